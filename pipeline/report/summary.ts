// What came of it in a few figures, for those who read no further: each with its interval and whether it is more than
// noise. Only what is there is shown.
import { HELD_OUT } from '../eval/evalConfig.ts';
import { differenceSentence } from '../eval/scores/pairedDifference.ts';
import { duration } from '../terminal/progressMeter.ts';
import { differencesOf, differenceTexts, verdictOf, type RunDifference } from './evalTables.ts';
import { formatNumber, formatShare } from './formatNumber.ts';
import { isRecord } from './jsonRecord.ts';
import { markup, type Markup, type Part } from './markup.ts';
import { artifactsOf, type Run } from './readRun.ts';
import { shortReference } from './sourcesSection.ts';

const MOST_BENCHMARKS = 2;
const HELD_OUT_TITLES: Record<string, string> = {
  kl: 'KL to the teacher, held-out text',
  agreement: 'Same next token as the teacher',
};

/** A sentence and the headline figures. */
export function summary(run: Run): Markup {
  const roles =
    run.sources &&
    markup`<p class="lead">A student, <b>${shortReference(run.sources.student.reference)}</b>, learned from the cached logits of its teacher,
<b>${shortReference(run.sources.teacher.reference)}</b>.</p>
`;
  const figures = [...trainedFigures(run), cacheFigure(run), timeFigure(run)].filter(
    (each) => each !== undefined,
  );
  return markup`${roles}${figures.length > 0 ? markup`<dl class="headlines">\n${figures}</dl>\n` : undefined}`;
}

/** Those of the run called main, or of the first that was evaluated. */
function trainedFigures(run: Run): Markup[] {
  const all = differencesOf(run);
  const training = (all.find((each) => each.training === 'main') ?? all[0])?.training;
  const own = all.filter((each) => each.training === training);
  const title = (text: string) => (run.trainings.length > 1 ? `${text} · run ${training}` : text);
  const heldOut = Object.keys(HELD_OUT_TITLES).flatMap(
    (score) => own.find(({ task, metric }) => task === HELD_OUT && metric === score) ?? [],
  );
  const members = new Set(run.evaluations.flatMap(({ groups }) => Object.values(groups).flat()));
  const benchmarks = own
    .filter(({ task }) => task !== HELD_OUT && !members.has(task))
    .slice(0, MOST_BENCHMARKS);
  return [
    ...heldOut.map((each) =>
      headline(title(HELD_OUT_TITLES[each.metric]!), changed(each), heldOutSentence(each)),
    ),
    ...benchmarks.map((each) =>
      headline(title(`${each.task}, ${each.metric}`), changed(each), differenceSentence(each)),
    ),
  ];
}

function changed(each: RunDifference): Part {
  const { before, after } = differenceTexts(each);
  return markup`<span class="from">${before} →</span> ${after}`;
}

function heldOutSentence(each: RunDifference): string {
  if (each.metric === 'agreement') return differenceSentence(each);
  const { difference, interval } = differenceTexts(each);
  return `${difference} nats (95 % interval ${interval}): ${verdictOf(each)}`;
}

function cacheFigure({ logits }: Run): Markup | undefined {
  const total = logits?.statistics.total;
  const { bytes_per_token: bytes, mean_k: k, mean_tail_mass: tail } = isRecord(total) ? total : {};
  if (typeof bytes !== 'number' || typeof k !== 'number') return undefined;
  const left = typeof tail === 'number' ? `, ${formatShare(tail)} of the probability left out` : '';
  return headline(
    'Bytes of cache a token',
    formatNumber(Number(bytes.toFixed(0))),
    `${formatNumber(k)} tokens kept at a position on average${left}`,
  );
}

function timeFigure(run: Run): Markup | undefined {
  const { use } = run;
  if (use.size === 0 || use.size < artifactsOf(run).length) return undefined;
  const seconds = [...use.values()].reduce((sum, each) => sum + each.seconds, 0);
  const most = Math.max(...[...use.values()].map(({ peak_memory: bytes }) => bytes));
  return headline('Time, all stages', duration(seconds), `at most ${(most / 1e9).toFixed(1)} GB of memory`);
}

function headline(title: string, value: Part, note: string): Markup {
  return markup`<div><dt>${title}</dt><dd><b>${value}</b> <span>${note}</span></dd></div>\n`;
}
