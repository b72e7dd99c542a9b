// The training run: mix and cached teacher in, a Hugging Face model folder out, the teacher itself nowhere.
// Everything that decides the result is a function of configuration and inputs, and the state is saved every
// `checkpoint_every` steps; a run killed at any moment continues from there and ends with the very same bytes.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Json } from '../artifact/fingerprint.ts';
import {
  planFingerprint,
  reuseFinished,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../artifact/manifest.ts';
import { lockWork } from '../artifact/workLock.ts';
import { UserError } from '../config/userError.ts';
import { openLogits, type LogitsCache } from '../logits/logitsCache.ts';
import { readMix, type Sample } from '../mix/tokensArrow.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import { readModelConfig } from '../model/modelConfig.ts';
import { requireMemory } from '../plan/requireMemory.ts';
import { requireDiskForTraining } from '../plan/stageDisk.ts';
import { trainMemory } from '../plan/stageMemory.ts';
import { refuseForDraws } from './drawnTeacher.ts';
import { exportAdapter } from './exportAdapter.ts';
import { exportModel } from './exportModel.ts';
import { writeMetrics, type MetricRecord } from './metrics.ts';
import { writeModelCard } from './modelCard.ts';
import { bestEvaluation } from './runDecisions.ts';
import { checkpointsOf, runSteps, type Run, type TrainHooks } from './runSteps.ts';
import { checkSourceWeights } from './sourceWeights.ts';
import { createStudent, disposeStudent } from './student.ts';
import { writeTiming } from './timing.ts';
import type { TrainConfig } from './trainConfig.ts';
import { restoreStep } from './trainingCheckpoint.ts';
import { trainingSummary } from './trainingSummary.ts';

/** Folders of a run: the mix, the teacher's cache, the student's checkpoint, and where the results go. */
export interface TrainFolders {
  mix: string;
  logits: string;
  student: string;
  out: string;
}

/**
 * Trains `folders.student` and writes `out/model`, `out/metrics.jsonl` and `out/manifest.json`, with lora `out/adapter` too.
 * @throws UserError for inputs that do not fit together, a run that diverges, or one that another process is at
 */
export async function trainStudent(
  config: TrainConfig,
  folders: TrainFolders,
  hooks: TrainHooks = {},
): Promise<Manifest> {
  const { mix, samples, cache, plan } = await openInputs(config, folders);
  const finished = await reuseFinished(folders.out, plan);
  if (finished) return finished;
  await requireRoom(config, folders, hooks);
  const lock = await lockWork(join(folders.out, 'training'), hooks.onNotice && { notice: hooks.onNotice });
  try {
    return await trainAndExport({ config, folders, hooks, mix, samples, cache, plan });
  } finally {
    await lock.release();
  }
}

type Training = Awaited<ReturnType<typeof openInputs>> & {
  config: TrainConfig;
  folders: TrainFolders;
  hooks: TrainHooks;
};

async function trainAndExport(training: Training): Promise<Manifest> {
  const { config, folders, hooks, samples, cache, plan } = training;
  const student = await createStudent(folders.student, config);
  try {
    const run: Run = {
      config,
      student,
      cache,
      samples,
      out: folders.out,
      fingerprint: planFingerprint(plan),
    };
    const { metrics, seconds } = await runSteps(run, hooks);
    const exported = await chooseWeights(run, metrics);
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
    const card = await writeModelCard(join(folders.out, 'model'), {
      ...{ config, metrics, exported, samples, mix: folders.mix },
      made: { mix: training.mix, logits: cache.manifest },
    });
    const files = [
      await writeMetrics(join(folders.out, 'metrics.jsonl'), metrics),
      ...model.map((record) => ({ ...record, file: `model/${record.file}` })),
      { ...card, file: `model/${card.file}` },
      ...adapter.map((record) => ({ ...record, file: `adapter/${record.file}` })),
    ];
    await writeTiming(folders.out, { metrics, seconds });
    const statistics = trainingSummary(metrics, { exported });
    const manifest = await writeManifest(folders.out, plan, { statistics, files });
    await rm(checkpointsOf(run), { recursive: true, force: true });
    return manifest;
  } finally {
    disposeStudent(student);
    await cache.close();
  }
}

/** @throws UserError when memory or disk cannot hold the run */
async function requireRoom(config: TrainConfig, folders: TrainFolders, hooks: TrainHooks): Promise<void> {
  const model = await readModelConfig(folders.student);
  const remedy = 'set recompute: true, a lower micro_batch_tokens, moment_dtype: uint8 or lora in train.yaml';
  await requireMemory(trainMemory(model, config), { remedy, progress: hooks.onNotice });
  await requireDiskForTraining(folders.out, { model, config });
}

async function openInputs(config: TrainConfig, folders: TrainFolders) {
  const { manifest: mix, samples } = await readMix(folders.mix);
  const cache = await openLogits(folders.logits);
  await checkInputs(config, folders, { samples, cache });
  checkSourceWeights(config.source_weights, samples);
  checkEvaluation(config, samples);
  checkLossOn(config.loss_on, mix.parameters.loss_on);
  const inputs = {
    mix: mix.fingerprint,
    logits: cache.manifest.fingerprint,
    student: await modelFingerprint(folders.student),
  };
  const plan: ManifestPlan = { kind: 'train', formatVersion: 1, inputs, parameters: config };
  return { mix, samples, cache, plan };
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

/** @throws UserError when evaluations are asked for or needed, and there is nothing to evaluate on, or they are not taken */
function checkEvaluation(config: TrainConfig, samples: readonly Sample[]): void {
  const needing = config.export === 'best' ? 'export: best' : config.patience && 'patience';
  if (needing && !config.eval_every)
    throw new UserError({
      file: 'train.yaml',
      field: 'eval_every',
      problem: `missing, and "${needing}" goes by evaluations`,
      remedy: 'set it to a number of steps',
    });
  if (config.eval_every && !samples.some(({ split }) => split === 'held_out'))
    throw new UserError({
      file: 'train.yaml',
      field: 'eval_every',
      value: config.eval_every,
      problem: 'the mix holds no samples back',
      remedy: 'set "held_out" in mix.yaml and run "make logits"',
    });
}

/** The mix holds no more than its own loss mask, and the cache only the positions in it. */
function checkLossOn(asked: TrainConfig['loss_on'], made: Json | undefined): void {
  if (asked === undefined || asked === made) return;
  throw new UserError({
    file: 'train.yaml',
    field: 'loss_on',
    value: asked,
    problem: `the mix was made with ${JSON.stringify(made)}, and the cache holds the positions of its loss alone`,
    remedy: `set "loss_on: ${asked}" in mix.yaml and run "make train", which reruns mix and logits`,
  });
}

/** Gives the student the weights to export. @returns the step they are of, undefined for the last */
async function chooseWeights(run: Run, metrics: readonly MetricRecord[]): Promise<number | undefined> {
  const best = run.config.export === 'best' ? bestEvaluation(metrics)?.step : undefined;
  if (best !== undefined) await restoreStep(checkpointsOf(run), run.student, best);
  return best;
}
