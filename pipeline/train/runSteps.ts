// The loop of a run: step after step from where the checkpoint stands, evaluations on the held-out samples, checkpoints.
// The state is what a checkpoint holds, so whatever the loop decides, it decides again after a restart.
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import type { LogitsCache } from '../logits/logitsCache.ts';
import { tokenCount } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { epochSteps, type StepBatch } from './epochSteps.ts';
import { headBlockOf } from './headLoss.ts';
import { meanScores, scoreSamples } from './heldOut.ts';
import {
  appendMetric,
  writeMetrics,
  type HeldOutMetrics,
  type MetricRecord,
  type StepMetrics,
} from './metrics.ts';
import { trainedSize } from './optimizerState.ts';
import { badStepsInARow, bestEvaluation, isOutOfPatience } from './runDecisions.ts';
import type { Student } from './student.ts';
import { openTensorboard } from './tensorboard.ts';
import type { TrainConfig } from './trainConfig.ts';
import { trainStep } from './trainStep.ts';
import { restoreCheckpoint, saveCheckpoint, type TrainingState } from './trainingCheckpoint.ts';

/** A training: what it is made from and where it goes. */
export interface Run {
  config: TrainConfig;
  student: Student;
  cache: LogitsCache;
  samples: Sample[];
  out: string;
  /** Of the run's plan. */
  fingerprint: string;
}

/** What a caller may watch, and a request to stop after the step under way. */
export interface TrainHooks {
  /** Of what may go wrong, before the run starts. */
  onNotice?: (line: string) => void;
  onStart?: (ahead: {
    totalSteps: number;
    tokensLeft: number;
    trained: ReturnType<typeof trainedSize>;
  }) => void;
  /** @param seconds what the step took */
  onStep?: (metrics: StepMetrics, seconds: number) => void;
  onEvaluation?: (metrics: HeldOutMetrics) => void;
  stopRequested?: () => boolean;
}

/** Raised after the state was saved on request; running the same command again continues. */
export class TrainingStopped extends Error {
  override name = 'TrainingStopped';
}

/** Where the checkpoints of a run lie. */
export function checkpointsOf({ out }: Pick<Run, 'out'>): string {
  return join(out, 'checkpoint');
}

/**
 * Runs (or continues) all steps.
 * @returns the metrics of the whole run and the seconds of each step
 * @throws UserError after `max_bad_steps` steps in a row without finite loss and gradient, TrainingStopped on request
 */
export async function runSteps(
  run: Run,
  hooks: TrainHooks,
): Promise<Pick<TrainingState, 'metrics' | 'seconds'>> {
  const { config, student, fingerprint } = run;
  const steps = plannedSteps(config, run.samples);
  const fresh: TrainingState = { fingerprint, step: 0, metrics: [], seconds: [] };
  const state = (await restoreCheckpoint(checkpointsOf(run), student, fingerprint)) ?? fresh;
  const log = await openLog(run.out, state);
  hooks.onStart?.({
    totalSteps: steps.length,
    tokensLeft: tokenCount(steps.slice(state.step).flat(2)),
    trained: trainedSize(
      [...student.parameters.values()].map(({ state }) => state),
      config,
    ),
  });
  const checkpoints = checkpointing(run, state);
  try {
    if (state.step === 0) await evaluate();
    while (state.step < steps.length && !isOutOfPatience(state.metrics, config.patience)) {
      await step(steps[state.step]!);
      if (isEvaluated(config, { step: state.step, totalSteps: steps.length })) await evaluate();
      const stopping = hooks.stopRequested?.() ?? false;
      await checkpoints.saveIfDue({ stopping, isLast: state.step === steps.length });
      if (stopping) throw stopped(checkpoints.savedStep(), { step: state.step, totalSteps: steps.length });
    }
  } finally {
    log.close();
  }
  return state;

  async function step(batches: StepBatch): Promise<void> {
    const start = performance.now();
    const metrics = await trainStep(run, batches, { step: state.step + 1, totalSteps: steps.length });
    const seconds = (performance.now() - start) / 1000;
    state.step++;
    state.seconds.push(seconds);
    await log.record(metrics, seconds);
    hooks.onStep?.(metrics, seconds);
    if (badStepsInARow(state.metrics) === config.max_bad_steps) throw diverged(config, metrics);
  }

  async function evaluate(): Promise<void> {
    if (!config.eval_every) return;
    const metrics = { step: state.step, held_out: await heldOutScores(run) };
    await log.record(metrics);
    hooks.onEvaluation?.(metrics);
  }
}

/** metrics.jsonl and the files for TensorBoard, which begin with what the state knows and follow it. */
async function openLog(out: string, { metrics, seconds }: TrainingState) {
  const file = join(out, 'metrics.jsonl');
  await writeMetrics(file, metrics);
  const board = await openTensorboard(join(out, 'tensorboard'), { metrics, seconds });
  return {
    record: async (record: MetricRecord, seconds?: number): Promise<void> => {
      metrics.push(record);
      await appendMetric(file, record);
      board.write(record, seconds);
    },
    close: board.close,
  };
}

/**
 * When the state is saved: every so many steps or minutes, before a stop, and at a new best evaluation. But for the last,
 * which shows that the weights are sound, never after a bad step: the checkpoint before a run that diverges stays.
 */
function checkpointing({ config, student, out }: Run, state: TrainingState) {
  let saved = { step: state.step, time: performance.now() };
  return {
    savedStep: () => saved.step,
    saveIfDue: async ({ stopping, isLast }: { stopping: boolean; isLast: boolean }): Promise<void> => {
      const minutes = (performance.now() - saved.time) / 60_000;
      const isDue =
        state.step % config.checkpoint_every === 0 || minutes >= (config.checkpoint_minutes ?? Infinity);
      const isBest = bestEvaluation(state.metrics)?.step === state.step;
      const isAsked = stopping || (isDue && !isLast);
      if (!isBest && (!isAsked || badStepsInARow(state.metrics) > 0)) return;
      await saveCheckpoint(checkpointsOf({ out }), student, state);
      saved = { step: state.step, time: performance.now() };
    },
  };
}

function isEvaluated(config: TrainConfig, { step, totalSteps }: { step: number; totalSteps: number }) {
  return config.eval_every !== undefined && (step % config.eval_every === 0 || step === totalSteps);
}

function plannedSteps(config: TrainConfig, samples: readonly Sample[]): StepBatch[] {
  const training = samples.filter(({ split }) => split === 'train');
  const sizes = {
    seed: config.seed,
    batchTokens: config.batch_tokens,
    microBatchTokens: config.micro_batch_tokens,
    packing: config.packing,
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
      headBlock: headBlockOf(config.head_block, student.decoder.config),
    }),
  );
}

function stopped(saved: number, { step, totalSteps }: { step: number; totalSteps: number }): TrainingStopped {
  return new TrainingStopped(
    `stopped after step ${step} of ${totalSteps}; the state of step ${saved} is saved`,
  );
}

function diverged({ max_bad_steps: n }: TrainConfig, { step, skipped = [] }: StepMetrics): UserError {
  return new UserError({
    problem: `${n} steps in a row had no finite loss and gradient, up to step ${step} (samples ${skipped.join(', ')})`,
    remedy: 'lower learning_rate or set clip in train.yaml',
  });
}
