// The trainings of a recipe beside each other, for the terminal: a row each, with the parameters by which they differ and
// their final figures; then what each changed, and whether that is more than noise; below, what is not finished, not
// trained or not evaluated, and the command for it.
import { join } from 'node:path';
import type { Json } from '../artifact/fingerprint.ts';
import { formatPValue } from '../eval/scores/pairedDifference.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import { duration } from '../terminal/progressMeter.ts';
import { textTable } from '../terminal/textTable.ts';
import { readTiming } from '../train/timing.ts';
import { differencesOf, differenceTexts, verdictOf } from './evalTables.ts';
import { formatNumber, NO_VALUE } from './formatNumber.ts';
import { isRecord, type JsonRecord } from './jsonRecord.ts';
import { makeCommand } from './makeCommand.ts';
import { differingParameters } from './parameterTable.ts';
import { BEFORE, type Evaluation, type Run, type Training } from './readRun.ts';

/** What the manifests do not hold, of each finished training by its name. */
export type FinishedModels = Map<string, { model: string; seconds: number | undefined }>;

const SCORES = { kl: 'held-out KL', cross_entropy: 'cross-entropy', agreement: 'agreement' };

/** Fingerprint and time of each finished training under the run's folder. */
export async function readFinishedModels(folder: string, { trainings }: Run): Promise<FinishedModels> {
  const models: FinishedModels = new Map();
  for (const { name } of trainings.filter(({ manifest }) => manifest)) {
    const training = join(folder, 'train', name);
    const timing = await readTiming(training);
    models.set(name, { model: await modelFingerprint(join(training, 'model')), seconds: timing?.seconds });
  }
  return models;
}

/** The table, what each training changed, and a line for each that lacks something. */
export function compareRuns(run: Run, models: FinishedModels): string {
  const changes = changeRows(run, models);
  return [
    textTable(tableRows(run, models)),
    ...(changes.length > 1 ? ['\n', textTable(changes)] : []),
    ...notes(run, models).map((note) => `${note}\n`),
  ].join('');
}

/** The head, then every score that a training changed: by how much, and whether that is more than noise. */
function changeRows(run: Run, models: FinishedModels): string[][] {
  const current = differencesOf(run).filter(({ training }) => scoresOf(run, training, models));
  return [
    ['run', 'task', 'score', 'before', 'after', 'difference', '95 % interval', 'p', ''],
    ...current.map((each) => {
      const { before, after, difference, interval } = differenceTexts(each);
      const test = each.pValue === undefined ? NO_VALUE : formatPValue(each.pValue).replace('= ', '');
      return [
        each.training,
        each.task,
        each.metric,
        before,
        after,
        difference,
        interval,
        test,
        verdictOf(each),
      ];
    }),
  ];
}

/** The head, the student before training, then a row a training. */
function tableRows(run: Run, models: FinishedModels): string[][] {
  const finished = run.trainings.flatMap(({ name, manifest }) =>
    manifest ? [[name, manifest.parameters as JsonRecord] as const] : [],
  );
  const differing = differingParameters(finished);
  const before = run.evaluations.find(({ name }) => name === BEFORE);
  const rows = run.trainings.map(({ name, manifest }) => {
    const place = finished.findIndex(([other]) => other === name);
    const seconds = models.get(name)?.seconds;
    return [
      name,
      ...differing.map(([, ...values]) => values[place] ?? NO_VALUE),
      ...scoreCells(scoresOf(run, name, models)),
      ...['steps', 'tokens'].map((key) => figure(manifest?.statistics[key])),
      seconds === undefined ? NO_VALUE : duration(seconds),
    ];
  });
  const parameters = differing.map(([name]) => name);
  return [
    ['run', ...parameters, ...Object.values(SCORES), 'steps', 'tokens', 'time'],
    [BEFORE, ...parameters.map(() => ''), ...scoreCells(heldOut(before)), '', '', ''],
    ...rows,
  ];
}

function scoreCells(scores: JsonRecord | undefined): string[] {
  return Object.keys(SCORES).map((score) => figure(scores?.[score]));
}

function figure(value: Json | undefined): string {
  return typeof value === 'number' ? formatNumber(value) : NO_VALUE;
}

/** The held-out scores of the model that a training exported: an evaluation of an earlier one does not count. */
function scoresOf(run: Run, name: string, models: FinishedModels): JsonRecord | undefined {
  const evaluation = run.evaluations.find((each) => each.name === name);
  const model = models.get(name)?.model;
  return model !== undefined && evaluation?.manifest.inputs.model === model ? heldOut(evaluation) : undefined;
}

function heldOut(evaluation: Evaluation | undefined): JsonRecord | undefined {
  const scores = evaluation?.manifest.statistics.held_out;
  return isRecord(scores) ? scores : undefined;
}

function notes(run: Run, models: FinishedModels): string[] {
  const known = new Set(run.trainings.map(({ name }) => name));
  const asked = [...run.args.keys()].flatMap((key) => /^train-(.*)$/.exec(key)?.[1] ?? []);
  return [
    ...(known.size === 0 ? [`no run is trained; to train one: ${makeCommand(run, 'train')}`] : []),
    ...run.trainings.flatMap((training) => noteOn(run, training, models) ?? []),
    ...asked
      .filter((name) => !known.has(name))
      .map((name) => `${name} is not trained; to train it: ${trainCommand(run, name)}`),
  ];
}

/** What a training lacks, if anything. */
function noteOn(run: Run, { name, manifest, curves }: Training, models: FinishedModels): string | undefined {
  if (!manifest) {
    const steps = curves.get('loss')?.length ?? 0;
    return `${name} is not finished, steps so far: ${steps}; to continue: ${trainCommand(run, name)}`;
  }
  if (scoresOf(run, name, models)) return undefined;
  const wasEvaluated = run.evaluations.some((each) => each.name === name);
  const state = wasEvaluated ? 'was trained again since its evaluation' : 'is not evaluated';
  return `${name} ${state}; to evaluate it: ${makeCommand(run, 'eval', { training: name })}`;
}

function trainCommand(run: Run, training: string): string {
  return makeCommand(run, 'train', { training, args: run.args.get(`train-${training}`) });
}
