// All that the report is made from: the manifests of a run's stages, the metrics of its trainings, sources.json and the
// remembered ARGS. Each may be missing, as a report can be asked for at any time; what is there has to be sound.
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { findManifest, type ArtifactKind, type Manifest } from '../artifact/manifest.ts';
import { readJsonObject } from '../artifact/jsonFile.ts';
import { readResourceUse, type ResourceUse } from '../artifact/resourceUse.ts';
import { findNames, findText } from '../artifact/optionalFiles.ts';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { readExpectedScores, type ExpectedScores } from '../eval/expectedScores.ts';
import { readSampleTokens, type SampleTokens } from '../eval/heldOutTokens.ts';
import { readComparison, type Comparison } from '../eval/scores/comparisonFile.ts';
import { readSources, type Sources } from '../hub/sourcesFile.ts';
import { readPlan, type Plan } from '../plan/planFile.ts';
import { readTiming, type Timing } from '../train/timing.ts';
import { readCurves, type Curve } from './readCurves.ts';

/** What eval/ calls the student before any training. */
export const BEFORE = 'before';

/** And the teacher; no training can be called so. */
export const TEACHER = 'teacher';

/** A training; without a manifest it is under way or was interrupted. */
export interface Training {
  name: string;
  manifest: Manifest | undefined;
  /** By the name in metrics.jsonl, members of records as `held_out.kl`. */
  curves: Map<string, Curve>;
  timing: Timing | undefined;
}

/** The evaluation of the student that the training `name` made, or of the one before training. */
export interface Evaluation {
  name: string;
  manifest: Manifest;
  /** With the student before training. */
  comparison: Comparison | undefined;
  /** A few held-out samples token by token. */
  tokens: SampleTokens[];
  /** The tasks and groups that a group consists of. */
  groups: Record<string, string[]>;
}

/** The artifacts of a run. */
export interface Run {
  /** The name of the folder, which is that of the recipe. */
  recipe: string;
  sources: Sources | undefined;
  mix: Manifest | undefined;
  teacher: Manifest | undefined;
  logits: Manifest | undefined;
  trainings: Training[];
  /** The student before training first. */
  evaluations: Evaluation[];
  /** The ARGS that make remembers, by stage; train and eval have them by `train-RUN`. */
  args: Map<string, string>;
  /** What making the artifacts took, by their folders; `train/main` and the like. */
  use: Map<string, ResourceUse>;
  plan: Plan | undefined;
  /** What the recipe's original published. */
  expected: ExpectedScores | undefined;
}

/** All artifacts by their folders in the run, in the order of the stages. */
export function artifactsOf(run: Run): [path: string, manifest: Manifest][] {
  const all: [path: string, manifest: Manifest | undefined][] = [
    ['mix', run.mix],
    ['teacher', run.teacher],
    ['logits', run.logits],
    ...run.trainings.map(({ name, manifest }): [string, Manifest | undefined] => [`train/${name}`, manifest]),
    ...run.evaluations.map(({ name, manifest }): [string, Manifest] => [`eval/${name}`, manifest]),
  ];
  return all.flatMap(([path, manifest]) => (manifest ? [[path, manifest]] : []));
}

/** The number of a training's colour and dashes; that of the others is that of the first. */
export function lookOf({ trainings }: Pick<Run, 'trainings'>, name: string): number {
  return Math.max(
    0,
    trainings.findIndex((training) => training.name === name),
  );
}

/**
 * Reads the run in `folder`.
 * @throws UserError when there is no such folder, or an artifact in it is damaged.
 */
export async function readRun(folder: string): Promise<Run> {
  const entries = await findNames(folder);
  if (!entries)
    throw new UserError({
      field: '--run',
      value: folder,
      problem: 'no such folder',
      remedy: 'run "make fetch", or name a folder of data/runs',
    });
  const trainings = await readTrainings(join(folder, 'train'));
  const evaluations = await readEvaluations(join(folder, 'eval'));
  const made = [
    ...['mix', 'teacher', 'logits'],
    ...trainings.map(({ name }) => `train/${name}`),
    ...evaluations.map(({ name }) => `eval/${name}`),
  ];
  return {
    recipe: basename(resolve(folder)),
    sources: await readSources(folder),
    mix: await readStage(join(folder, 'mix'), 'mix'),
    teacher: await readStage(join(folder, 'teacher'), 'teacher'),
    logits: await readStage(join(folder, 'logits'), 'logits'),
    trainings,
    evaluations,
    args: await readArgs(join(folder, 'args')),
    use: await readUse(folder, made),
    plan: await readPlan(folder),
    expected: await readExpectedScores(join(folder, '../../recipes', basename(resolve(folder)))),
  };
}

const manifestSchema = z.object({
  fingerprint: z.string(),
  inputs: z.record(z.string(), z.string()),
  parameters: z.record(z.string(), z.unknown()),
  tools: z.record(z.string(), z.string()),
  statistics: z.record(z.string(), z.unknown()),
  files: z.array(z.object({ file: z.string(), bytes: z.number() })),
});

async function readStage(folder: string, kind: ArtifactKind): Promise<Manifest | undefined> {
  const manifest = await findManifest(folder);
  if (manifest)
    validate(manifestSchema.extend({ kind: z.literal(kind) }), manifest, () => join(folder, 'manifest.json'));
  return manifest;
}

async function readTrainings(folder: string): Promise<Training[]> {
  const trainings: Training[] = [];
  for (const name of (await findNames(folder)) ?? []) {
    const manifest = await readStage(join(folder, name), 'train');
    const curves = await readCurves(join(folder, name, 'metrics.jsonl'));
    const timing = await readTiming(join(folder, name));
    if (manifest || curves.size > 0) trainings.push({ name, manifest, curves, timing });
  }
  return trainings;
}

async function readEvaluations(folder: string): Promise<Evaluation[]> {
  const evaluations: Evaluation[] = [];
  for (const name of (await findNames(folder)) ?? []) {
    const own = join(folder, name);
    const manifest = await readStage(own, 'eval');
    if (!manifest) continue;
    const comparison = await readComparison(own);
    const { group_subtasks } = (await readJsonObject(join(own, 'results.json'))) ?? {};
    const groups = (group_subtasks ?? {}) as Record<string, string[]>;
    evaluations.push({ name, manifest, comparison, tokens: await readSampleTokens(own), groups });
  }
  return evaluations.sort((a, b) => Number(b.name === BEFORE) - Number(a.name === BEFORE));
}

async function readUse(folder: string, artifacts: readonly string[]): Promise<Map<string, ResourceUse>> {
  const use = new Map<string, ResourceUse>();
  for (const name of artifacts) {
    const own = await readResourceUse(join(folder, name));
    if (own) use.set(name, own);
  }
  return use;
}

async function readArgs(folder: string): Promise<Map<string, string>> {
  const args = new Map<string, string>();
  for (const name of (await findNames(folder)) ?? []) {
    const text = await findText(join(folder, name));
    if (text !== undefined) args.set(name, text.trim());
  }
  return args;
}
