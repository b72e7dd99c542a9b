// The training run: mix and cached teacher in, a Hugging Face model folder out, the teacher itself nowhere.
// Everything that decides the result is a function of configuration and inputs, and the state is saved every
// `checkpoint_every` steps; a run killed at any moment continues from there and ends with the very same bytes.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  planFingerprint,
  reuseFinished,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { openLogits, type LogitsCache } from '../logits/logitsCache.ts';
import { readMix, type Sample } from '../mix/tokensArrow.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import { readModelConfig } from '../model/modelConfig.ts';
import { refuseForDraws } from './drawnTeacher.ts';
import { epochSteps, type StepBatch } from './epochSteps.ts';
import { exportAdapter } from './exportAdapter.ts';
import { exportModel } from './exportModel.ts';
import { meanScores, scoreSamples } from './heldOut.ts';
import { appendMetric, writeMetrics, type MetricRecord, type StepMetrics } from './metrics.ts';
import { createStudent, disposeStudent, type Student } from './student.ts';
import type { TrainConfig } from './trainConfig.ts';
import { trainStep } from './trainStep.ts';
import { restoreCheckpoint, saveCheckpoint, type TrainingState } from './trainingCheckpoint.ts';

/** Folders of a run: the mix, the teacher's cache, the student's checkpoint, and where the results go. */
export interface TrainFolders {
  mix: string;
  logits: string;
  student: string;
  out: string;
}

/** What a caller may watch: finished steps, and a request to stop after the step under way. */
export interface TrainHooks {
  onStep?: (metrics: StepMetrics, totalSteps: number) => void;
  stopRequested?: () => boolean;
}

/** Raised after the state was saved on request; running the same command again continues. */
export class TrainingStopped extends Error {
  override name = 'TrainingStopped';
}

/** Steps without a finite gradient after which a run is given up. */
const MAX_SKIPPED_STEPS = 3;

/**
 * Trains `folders.student` and writes `out/model`, `out/metrics.jsonl` and `out/manifest.json`, with lora `out/adapter` too.
 * @throws UserError for inputs that do not fit together, or a run that diverges
 */
export async function trainStudent(
  config: TrainConfig,
  folders: TrainFolders,
  hooks: TrainHooks = {},
): Promise<Manifest> {
  const { samples, cache, plan } = await openInputs(config, folders);
  const finished = await reuseFinished(folders.out, plan);
  if (finished) return finished;
  const student = await createStudent(folders.student, config);
  try {
    const run = { config, student, cache, samples, checkpoints: join(folders.out, 'checkpoint'), plan };
    const metrics = await runSteps(run, join(folders.out, 'metrics.jsonl'), hooks);
    await rm(join(folders.out, 'manifest.json'), { force: true }); // what it lists is about to be replaced
    const model = await exportModel(student, {
      base: folders.student,
      folder: join(folders.out, 'model'),
      dtype: config.export_dtype,
      lora: config.lora,
    });
    const adapter = await exportAdapter(student, {
      lora: config.lora,
      folder: join(folders.out, 'adapter'),
    });
    const files = [
      await writeMetrics(join(folders.out, 'metrics.jsonl'), metrics),
      ...model.map((record) => ({ ...record, file: `model/${record.file}` })),
      ...adapter.map((record) => ({ ...record, file: `adapter/${record.file}` })),
    ];
    const manifest = await writeManifest(folders.out, plan, { statistics: summaryOf(metrics), files });
    await rm(run.checkpoints, { recursive: true, force: true });
    return manifest;
  } finally {
    disposeStudent(student);
    await cache.close();
  }
}

interface Run {
  config: TrainConfig;
  student: Student;
  cache: LogitsCache;
  samples: Sample[];
  checkpoints: string;
  plan: ManifestPlan;
}

async function openInputs(config: TrainConfig, folders: TrainFolders) {
  const { manifest: mix, samples } = await readMix(folders.mix);
  const cache = await openLogits(folders.logits);
  await checkInputs(config, folders, { samples, cache });
  const inputs = {
    mix: mix.fingerprint,
    logits: cache.manifest.fingerprint,
    student: await modelFingerprint(folders.student),
  };
  const plan: ManifestPlan = { kind: 'train', formatVersion: 1, inputs, parameters: config };
  return { samples, cache, plan };
}

async function checkInputs(
  config: TrainConfig,
  { mix, logits, student }: TrainFolders,
  { samples, cache }: { samples: Sample[]; cache: LogitsCache },
): Promise<void> {
  const missing = samples.filter(({ id }) => !cache.has(id));
  if (missing.length > 0)
    throw new UserError({
      file: logits,
      problem: `lacks ${missing.length} of the ${samples.length} samples of ${mix}, ${missing[0]!.id} the first`,
      remedy: 'run "make logits"',
    });
  if (cache.draws !== undefined) refuseForDraws(config);
  const { temperature } = config;
  if (!cache.temperatures.includes(temperature))
    throw new UserError({
      file: 'train.yaml',
      field: 'temperature',
      value: temperature,
      problem: `the cache has ${cache.temperatures.join(', ')}`,
      remedy: 'add it to "temperatures" in logits.yaml and run "make logits"',
    });
  const { vocabSize } = await readModelConfig(student);
  if (vocabSize < cache.vocabularySize)
    throw new UserError({
      file: join(student, 'config.json'),
      field: 'vocab_size',
      value: vocabSize,
      problem: `the teacher's logits cover ${cache.vocabularySize} tokens`,
      remedy: 'take a student with the tokenizer of the teacher',
    });
}

/** Runs (or continues) all steps and returns the metrics of the whole run. */
async function runSteps(
  run: Run,
  metricsFile: string,
  { onStep, stopRequested }: TrainHooks,
): Promise<MetricRecord[]> {
  const { config, student, samples, checkpoints } = run;
  const steps = plannedSteps(config, samples);
  const fingerprint = planFingerprint(run.plan);
  const resumed = await restoreCheckpoint(checkpoints, student, fingerprint);
  const { step: done, metrics }: Pick<TrainingState, 'step' | 'metrics'> = resumed ?? {
    step: 0,
    metrics: [],
  };
  await writeMetrics(metricsFile, metrics);
  const record = async (metric: MetricRecord) => {
    metrics.push(metric);
    await appendMetric(metricsFile, metric);
  };
  let skipped = 0;
  for (let step = done + 1; step <= steps.length; step++) {
    const stepMetrics = await trainStep(run, steps[step - 1]!, { step, totalSteps: steps.length });
    await record(stepMetrics);
    onStep?.(stepMetrics, steps.length);
    skipped = Number.isFinite(stepMetrics.gradient_norm) ? 0 : skipped + 1;
    if (skipped === MAX_SKIPPED_STEPS) throw diverged(step, steps[step - 1]!);
    if (config.eval_every && step % config.eval_every === 0)
      await record({ step, held_out: await heldOutScores(run) });
    const stopping = stopRequested?.() ?? false;
    if (stopping || (step % config.checkpoint_every === 0 && step < steps.length))
      await saveCheckpoint(checkpoints, student, { fingerprint, step, metrics });
    if (stopping)
      throw new TrainingStopped(`stopped after step ${step} of ${steps.length}; the state is saved`);
  }
  return metrics;
}

function plannedSteps(config: TrainConfig, samples: readonly Sample[]): StepBatch[] {
  const training = samples.filter(({ split }) => split === 'train');
  const sizes = {
    seed: config.seed,
    batchTokens: config.batch_tokens,
    microBatchTokens: config.micro_batch_tokens,
  };
  const epochs = Array.from({ length: config.epochs }, (_, epoch) =>
    epochSteps(training, { ...sizes, epoch }),
  );
  return epochs.flat().slice(0, config.max_steps);
}

async function heldOutScores({ config, student, cache, samples }: Run) {
  const heldOut = samples.filter(({ split }) => split === 'held_out');
  return meanScores(
    await scoreSamples(student.decoder, heldOut, cache, {
      batchTokens: config.micro_batch_tokens,
      headBlock: config.head_block,
    }),
  );
}

function diverged(step: number, batches: StepBatch): UserError {
  const ids = batches
    .flat()
    .slice(0, 3)
    .map(({ id }) => id);
  return new UserError({
    problem: `${MAX_SKIPPED_STEPS} steps in a row had no finite gradient, up to step ${step} (samples ${ids.join(', ')}, …)`,
    remedy: 'lower learning_rate or set clip in train.yaml',
  });
}

function summaryOf(metrics: readonly MetricRecord[]) {
  const steps = metrics.filter((record) => 'loss' in record);
  const last = steps.at(-1);
  return {
    steps: steps.length,
    tokens: steps.reduce((sum, { tokens }) => sum + tokens, 0),
    ...(last
      ? { final_loss: last.loss, final_divergence: last.divergence, final_cross_entropy: last.cross_entropy }
      : {}),
  };
}
