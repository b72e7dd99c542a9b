// README.md of an exported model, a stub of the card that the Hugging Face Hub shows: what the model was made from, its
// hyperparameters and figures, and the metadata that the Hub reads (YAML front matter, huggingface.co/docs/hub/model-cards).
// Only what is known stands there: no repository that was not fetched from the Hub, no license that the base does not
// name, and no folder of this machine.
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { hubReference } from '../hub/reference.ts';
import { readSources, type ResolvedModel, type Sources } from '../hub/sourcesFile.ts';
import { tokenCount } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { isStep, type MetricRecord } from './metrics.ts';
import type { TrainConfig } from './trainConfig.ts';

interface ModelCard {
  config: TrainConfig;
  metrics: readonly MetricRecord[];
  /** The step whose weights these are; the last when undefined. */
  exported: number | undefined;
  samples: readonly Sample[];
  /** The mix, beside which the stage fetch leaves sources.json. */
  mix: string;
}

type Named = Pick<ResolvedModel, 'reference' | 'revision'>;

/** Commits README.md in the model folder `folder`. */
export async function writeModelCard(
  folder: string,
  { config, metrics, exported, samples, mix }: ModelCard,
): Promise<FileRecord> {
  const sources = await readSources(dirname(resolve(mix)));
  const base = sources && baseOf(sources);
  const parts = [
    `---\n${stringify(await metadata(sources, base))}---`,
    `# ${(base && hubName(base)?.split('/')[1]) ?? 'Student'}, re-distilled`,
    'Trained by redistill on the cached next-token probabilities of a teacher. This card is a stub: say here what the model is for.',
    '## Models',
    `- Teacher: ${sources ? named(sources.teacher) : 'unknown'}\n- Student before training: ${sources ? named(sources.student) : 'unknown'}`,
    `## Data\n\n${table(dataRows(samples, sources))}`,
    `## Hyperparameters\n\n\`\`\`yaml\n${stringify(config)}\`\`\``,
    `## Figures\n\n${table(figureRows(metrics, exported))}`,
  ];
  return commitBytes(join(folder, 'README.md'), parts.join('\n\n') + '\n');
}

async function metadata(sources: Sources | undefined, base: (Named & { path: string }) | undefined) {
  const baseModel = base && hubName(base);
  const datasets = Object.values(sources?.datasets ?? {}).flatMap((dataset) => hubName(dataset) ?? []);
  const license = base && (await licenseOf(base.path));
  return {
    ...(baseModel && { base_model: baseModel }),
    ...(datasets.length > 0 && { datasets }),
    ...license,
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
    tags: ['knowledge-distillation', 'redistill'],
  };
}

/** What the student was before it was trained, or pruned. */
function baseOf({ student, teacher }: Sources): Named & { path: string } {
  const [, from] = /^(.+), layers [\d ]+$/.exec(student.reference) ?? [];
  if (from === undefined) return student;
  return from === 'teacher' ? teacher : { ...student, reference: from };
}

/** A card that this file wrote: its metadata, and its sections from the first heading of that rank on. */
export interface CardParts {
  metadata: Record<string, unknown>;
  sections: string;
}

/** The parts of a model card, empty where it has none. */
export function readCard(text: string): CardParts {
  const [, front] = /^---\n(.*?)\n---/s.exec(text) ?? [];
  const metadata = front === undefined ? {} : ((parse(front) ?? {}) as Record<string, unknown>);
  const [sections = ''] = /^## .*/ms.exec(text) ?? [];
  return { metadata, sections };
}

/** The license as the card of a model folder names it. */
async function licenseOf(folder: string): Promise<Record<string, unknown>> {
  const { metadata } = readCard((await findText(join(folder, 'README.md'))) ?? '');
  const keys = ['license', 'license_name', 'license_link'].filter((key) => typeof metadata[key] === 'string');
  return Object.fromEntries(keys.map((key) => [key, metadata[key]]));
}

/** ORG/NAME, if that is where it came from. */
function hubName({ reference, revision }: Named): string | undefined {
  return revision === null ? undefined : hubReference(reference)?.repository;
}

function named({ reference, revision }: Named): string {
  return revision === null ? 'a local one' : `\`${reference}\` (revision \`${revision}\`)`;
}

function dataRows(samples: readonly Sample[], sources: Sources | undefined): string[][] {
  const names = [...new Set(samples.map(({ source }) => source))].sort();
  const rows = names.map((name) => {
    const own = samples.filter(({ source }) => source === name);
    const training = own.filter(({ split }) => split === 'train');
    const dataset = sources?.datasets[name];
    const origin = (dataset && hubName(dataset)) ?? '';
    return [
      name,
      origin,
      ...[training.length, tokenCount(training), own.length - training.length].map(String),
    ];
  });
  return [['source', 'dataset', 'samples', 'tokens', 'held out'], ...rows];
}

/** The last step, and the held-out samples before the first and at the step that is exported. */
function figureRows(metrics: readonly MetricRecord[], exported: number | undefined): string[][] {
  const last = metrics.filter(isStep).at(-1);
  const evaluations = metrics.flatMap((record) => (isStep(record) ? [] : [record]));
  const final = evaluations.findLast(({ step }) => step > 0 && (exported ?? step) === step);
  const heldOut = [evaluations.find(({ step }) => step === 0), final].flatMap((found) => found ?? []);
  return [
    ['text', 'after step', 'KL to the teacher', 'cross-entropy', 'top-1 agreement'],
    ...(last
      ? [['training', String(last.step), figure(last.divergence), figure(last.cross_entropy), '']]
      : []),
    ...heldOut.map(({ step, held_out: { kl, cross_entropy, agreement } }) => [
      ...['held out', String(step), figure(kl), figure(cross_entropy), `${(100 * agreement).toFixed(1)} %`],
    ]),
  ];
}

/** What is not finite is null in the metrics of a run that was resumed. */
function figure(value: number | null): string {
  return Number.isFinite(value) ? value!.toFixed(4) : 'not finite';
}

/** A table in Markdown. */
export function table([head, ...rows]: string[][]): string {
  return [head!, head!.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
