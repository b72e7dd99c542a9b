// README.md of an exported model, a stub of the card that the Hugging Face Hub shows: what the model was made from, its
// hyperparameters and figures, and the metadata that the Hub reads (YAML front matter, huggingface.co/docs/hub/model-cards).
// Only what is known stands there: no repository that was not fetched from the Hub, no license that the base does not
// name, and no folder of this machine.
import { dirname, join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { markdownTable } from '../artifact/markdownTable.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { readSources, type Sources } from '../hub/sourcesFile.ts';
import { tokenCount } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { baseOf, describeDataset, describeModel, hubName, isPruned, type NamedModel } from './cardModels.ts';
import { parametersText, quantizedTeacher, type MadeFrom } from './cardParameters.ts';
import { isStep, type MetricRecord } from './metrics.ts';
import type { TrainConfig } from './trainConfig.ts';

interface ModelCard {
  config: TrainConfig;
  metrics: readonly MetricRecord[];
  /** The step whose weights these are; the last when undefined. */
  exported: number | undefined;
  samples: readonly Sample[];
  /** Folder of the mix, beside which the stages fetch and teacher leave what they make. */
  mix: string;
  made: MadeFrom;
}

/** Commits README.md in the model folder `folder`. */
export async function writeModelCard(
  folder: string,
  { config, metrics, exported, samples, mix, made }: ModelCard,
): Promise<FileRecord> {
  const run = dirname(resolve(mix));
  const sources = await readSources(run);
  const base = sources && baseOf(sources);
  const teacher = await quantizedTeacher(join(run, 'teacher'), made);
  const isPlain = made.logits.inputs.teacher === sources?.teacher.fingerprint;
  const precision = teacher ? quantization(teacher.parameters) : isPlain ? ', in bfloat16' : '';
  const parts = [
    `---\n${stringify(await metadata(config, { sources, base }))}---`,
    `# ${(base && hubName(base)?.split('/')[1]) ?? 'Student'}, re-distilled`,
    summary(config, sources),
    'This card is a stub: say here what the model is for.',
    '## Models',
    [
      `- Teacher: ${sources ? describeModel(sources.teacher) : 'unknown'}${precision}`,
      `- Student before training: ${sources ? describeModel(sources.student) : 'unknown'}`,
    ].join('\n'),
    `## Data\n\n${markdownTable(dataRows(samples, sources))}`,
    `## Hyperparameters\n\n${parametersText(config, { ...made, teacher })}`,
    `## Figures\n\n${markdownTable(figureRows(metrics, exported))}`,
  ];
  return commitBytes(join(folder, 'README.md'), parts.join('\n\n') + '\n');
}

function quantization({ bits, group_size }: Record<string, unknown>): string {
  return `, quantized by HQQ to ${String(bits)} bits in groups of ${String(group_size)}`;
}

/** One sentence, which opens the published card as well. */
function summary({ divergence_weight: weight }: TrainConfig, sources: Sources | undefined): string {
  const student = (sources && hubName(baseOf(sources))) ?? 'a language model';
  const teacher = (sources && hubName(sources.teacher)) ?? 'a teacher';
  const layers = sources && isPruned(sources) ? ' with fewer layers' : '';
  const from = weight > 0 ? `the cached next-token probabilities of ${teacher}` : 'text alone';
  return `This is ${student}${layers}, trained by redistill on ${from}.`;
}

async function metadata(
  { divergence_weight: weight }: TrainConfig,
  { sources, base }: { sources: Sources | undefined; base: NamedModel | undefined },
) {
  const baseModel = base && hubName(base);
  const datasets = Object.values(sources?.datasets ?? {}).flatMap((dataset) => hubName(dataset) ?? []);
  const license = base && (await licenseOf(base.path));
  return {
    ...(baseModel && { base_model: baseModel }),
    ...(datasets.length > 0 && { datasets: [...new Set(datasets)] }),
    ...license,
    library_name: 'transformers',
    pipeline_tag: 'text-generation',
    tags: [...(weight > 0 ? ['knowledge-distillation'] : []), 'redistill'],
  };
}

/** A card that this file wrote: its metadata, the sentence under its title, and its sections. */
export interface CardParts {
  metadata: Record<string, unknown>;
  summary: string;
  sections: string;
}

/** The parts of a model card, empty where it has none. */
export function readCard(text: string): CardParts {
  const [, front] = /^---\n(.*?)\n---/s.exec(text) ?? [];
  const metadata = front === undefined ? {} : ((parse(front) ?? {}) as Record<string, unknown>);
  const [, summary = ''] = /^# .*\n\n(.+)$/m.exec(text) ?? [];
  const [sections = ''] = /^## .*/ms.exec(text) ?? [];
  return { metadata, summary, sections };
}

/** The license as the card of a model folder names it. */
async function licenseOf(folder: string): Promise<Record<string, unknown>> {
  const { metadata } = readCard((await findText(join(folder, 'README.md'))) ?? '');
  const keys = ['license', 'license_name', 'license_link'].filter((key) => typeof metadata[key] === 'string');
  return Object.fromEntries(keys.map((key) => [key, metadata[key]]));
}

function dataRows(samples: readonly Sample[], sources: Sources | undefined): string[][] {
  const names = [...new Set(samples.map(({ source }) => source))].sort();
  const rows = names.map((name) => {
    const own = samples.filter(({ source }) => source === name);
    const training = own.filter(({ split }) => split === 'train');
    const counts = [training.length, tokenCount(training), own.length - training.length];
    return [name, ...describeDataset(sources?.datasets[name]), ...counts.map(String)];
  });
  return [['source', 'dataset', 'part', 'revision', 'samples', 'tokens', 'held out'], ...rows];
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
