// A few held-out samples: what teacher, untrained and trained student each hold most probable at every position, given the
// same text up to it. Tokens are shaded by KL to the teacher, and underlined where they are another than the teacher's.
import type { SampleTokens } from '../eval/heldOutTokens.ts';
import { closed } from './figure.ts';
import { formatNumber, formatShare } from './formatNumber.ts';
import { markup, type Markup } from './markup.ts';
import { BEFORE, TEACHER, type Run } from './readRun.ts';
import { missing, type Section } from './section.ts';

/** Shades begin at these values of KL, in nats. */
const SHADES = [0, 0.1, 0.3, 1, 3];
const MOST_TOKENS = 120; // of a sample

/** The samples, each with a column for the teacher and for each model. */
export function samplesSection(run: Run): Section {
  const section = { id: 'samples', title: 'Samples, token by token' };
  const models = run.evaluations.filter(({ name, tokens }) => name !== TEACHER && tokens.length > 0);
  const first = models[0]?.tokens ?? [];
  if (first.length === 0)
    return {
      ...section,
      content: missing(run, 'eval', { what: 'No evaluation has held-out samples token by token.' }),
    };
  const samples = first.map((sample, i) => {
    const columns = models.flatMap(({ name, tokens }) => {
      const own = tokens.find(({ id }) => id === sample.id);
      return own ? [{ name, own }] : [];
    });
    const content = sampleMarkup(sample, columns);
    const title = `${sample.source}: ${endOf(sample.prompt)}`;
    return i === 0 ? markup`<h3>${title}</h3>\n${content}` : closed(title, content);
  });
  return {
    ...section,
    content: [
      markup`<p>At every position of a held-out answer: the token that each holds most probable, given the true text up to
there. A trained student reads like the teacher. Shades tell the KL to the teacher, in nats; an underlined token is not the
teacher’s.</p>
${shadeLegend()}`,
      samples,
    ],
  };
}

function shadeLegend(): Markup {
  const labels = SHADES.map((least, i) => {
    const next = SHADES[i + 1];
    return next === undefined ? `${least} and more` : `${least} to ${next}`;
  });
  return markup`<ul class="legend">${labels.map((label, i) => markup`<li><span class="token k${i}">${label}</span></li>\n`)}</ul>\n`;
}

function sampleMarkup(sample: SampleTokens, columns: readonly { name: string; own: SampleTokens }[]): Markup {
  const shown = sample.tokens.slice(0, MOST_TOKENS);
  const rest = sample.positions - shown.length;
  const note =
    rest > 0
      ? markup`<p><small>The first ${shown.length} of ${sample.positions} positions.</small></p>\n`
      : undefined;
  return markup`<div class="samples">
<div><h4>the text</h4><p class="tokens">${shown.map(({ text }) => visible(text)).join('')}</p></div>
<div><h4>the teacher</h4><p class="tokens">${shown.map(({ teacher }) => visible(teacher)).join('')}</p></div>
${columns.map(({ name, own }) => columnMarkup(name, own))}</div>
${note}`;
}

function columnMarkup(name: string, { tokens }: SampleTokens): Markup {
  const shown = tokens.slice(0, MOST_TOKENS);
  const known = shown.flatMap(({ kl }) => kl ?? []);
  const mean = known.reduce((sum, kl) => sum + kl, 0) / known.length;
  const same = shown.filter(({ teacher, model }) => teacher === model).length / shown.length;
  return markup`<div><h4>${name === BEFORE ? 'before training' : `run ${name}`}</h4>
<p class="tokens">${shown.map(tokenMarkup)}</p>
<p><small>Mean KL ${formatNumber(mean)}; the teacher’s token at ${formatShare(same)}.</small></p></div>
`;
}

function tokenMarkup({ model, teacher, kl }: SampleTokens['tokens'][number]): Markup {
  const shade = SHADES.findLastIndex((least) => (kl ?? Infinity) >= least);
  const classes = `token k${Math.max(0, shade)}${model === teacher ? '' : ' other'}`;
  return markup`<span class="${classes}" title="KL ${kl === null ? '–' : formatNumber(kl)}">${visible(model)}</span>`;
}

/** White space that would not be seen: a line break keeps its place behind a sign. */
function visible(text: string): string {
  return text.replaceAll('\n', '↵\n');
}

/** The end of a prompt, where its question stands: without the template's tokens, in whole words. */
function endOf(prompt: string): string {
  const text = prompt.replaceAll(/<[|｜][^|｜>]*[|｜]>/g, ' ').replace(/assistant\s*$/, '');
  const words = text.trim().split(/\s+/);
  let begin = words.length;
  for (let length = 0; begin > 0 && length < 80; begin--) length += words[begin - 1]!.length + 1;
  return (begin > 0 ? '… ' : '') + words.slice(begin).join(' ').slice(-120);
}
