// What there is of a run: every artifact, whether it is made, stale, at work or was interrupted, and what is ahead.
// Whether it is stale is make's judgement (makeAhead.ts), who is at work stands in the logs (stageLog.ts).
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { findSize } from '../artifact/findSize.ts';
import { findNames, unlessMissing } from '../artifact/optionalFiles.ts';
import { readResourceUse } from '../artifact/resourceUse.ts';
import { readPlan } from '../plan/planFile.ts';
import { readStageLog, type LoggedRun } from '../terminal/stageLog.ts';
import { makeAhead, type StepAhead } from './makeAhead.ts';

/** One artifact of a run. */
export interface ArtifactStatus {
  /** As in `train main`. */
  name: string;
  state: 'made' | 'missing' | 'stale' | 'being made' | 'interrupted';
  /** Why it is stale, or how far it is. */
  detail: string;
  /** When it was made or last found right. */
  made: Date | undefined;
  bytes: number | undefined;
  /** What making it took the last time. */
  seconds: number | undefined;
}

export interface RunStatus {
  artifacts: ArtifactStatus[];
  /** What `make` would run for the student asked for, with an estimate where there is a figure to go by. */
  ahead: { name: string; seconds: number | undefined }[];
}

interface Artifact {
  name: string;
  stage: string;
  /** The file that make goes by. */
  target: string;
  /** The folder of the artifact, where it has one. */
  folder: string | undefined;
  log: string;
}

/** The status of the run in `folder` with the student `run`, and of the other students there. */
export async function runStatus({ folder, run }: { folder: string; run: string }): Promise<RunStatus> {
  const recipe = basename(folder);
  const students = [...new Set([run, ...(await trainedRuns(folder))])];
  const steps = new Map<string, StepAhead>();
  for (const student of students)
    for (const step of await makeAhead({ RECIPE: recipe, RUN: student }))
      if (!steps.has(step.target)) steps.set(step.target, step);
  const own = new Set((await makeAhead({ RECIPE: recipe, RUN: run })).map(({ target }) => target));
  const judged = (await timeOf(join(folder, 'eval/teacher/manifest.json'))) ? ['teacher'] : []; // EVAL_TEACHER=1
  const listed = artifactsOf(folder, { students, judged });
  const artifacts = await Promise.all(listed.map((each) => statusOf(each, steps)));
  const estimate = await estimator(folder, artifacts, listed);
  const ahead = listed.filter(({ target }) => own.has(target)).map(estimate);
  return { artifacts, ahead };
}

async function trainedRuns(folder: string): Promise<string[]> {
  const names = (await findNames(join(folder, 'train'))) ?? [];
  return names.filter((name) => !name.endsWith('.log'));
}

/** In the order in which they are made. */
function artifactsOf(
  folder: string,
  { students, judged }: Record<'students' | 'judged', string[]>,
): Artifact[] {
  const stage = (name: string, below = name, file = 'manifest.json'): Artifact => {
    const own = join(folder, below);
    return {
      name: below.replace('/', ' '),
      stage: name,
      target: join(own, file),
      folder: own,
      log: `${own}.log`,
    };
  };
  const alone = (name: string, file: string, log: string): Artifact => {
    return { name, stage: name, target: join(folder, file), folder: undefined, log: join(folder, log) };
  };
  return [
    alone('fetch', 'sources.json', 'fetch.log'),
    ...['mix', 'teacher', 'logits'].map((name) => stage(name)),
    ...students.map((student) => stage('train', `train/${student}`)),
    ...['before', ...judged].map((name) => stage('eval', `eval/${name}`)),
    ...students.map((student) => stage('eval', `eval/${student}`, 'comparison.json')),
    alone('report', 'report.html', 'report.log'),
  ];
}

async function statusOf(artifact: Artifact, steps: ReadonlyMap<string, StepAhead>): Promise<ArtifactStatus> {
  const { name, target, folder, log } = artifact;
  const made = await timeOf(target);
  const runs = await readStageLog(log);
  return {
    name,
    ...stateOf({ step: steps.get(target), isAhead: (file) => steps.has(file), made, runs }),
    made,
    bytes: made && (await findSize(folder ?? target)),
    seconds: folder === undefined ? undefined : (await readResourceUse(folder))?.seconds,
  };
}

function stateOf({
  step,
  isAhead,
  made,
  runs,
}: {
  step: StepAhead | undefined;
  isAhead: (file: string) => boolean;
  made: Date | undefined;
  runs: LoggedRun[];
}): Pick<ArtifactStatus, 'state' | 'detail'> {
  const working = runs.filter(({ state }) => state === 'running');
  const last = (working.at(-1) ?? runs.at(-1))?.lastLine ?? '';
  if (working.length > 0) {
    const pids = working.map(({ process }) => process.pid).join(', ');
    return { state: 'being made', detail: [`process ${pids}`, last].filter(Boolean).join(': ') };
  }
  if (!step) return { state: 'made', detail: '' };
  if (made) {
    const { newer } = step;
    const detail = newer && (isAhead(newer) ? `${newer} will be made first` : `${newer} is newer`);
    return { state: 'stale', detail: detail ?? '' };
  }
  const isCutOff = runs.at(-1)?.state === 'killed' || runs.at(-1)?.state === 'unknown';
  return { state: isCutOff ? 'interrupted' : 'missing', detail: isCutOff ? last : '' };
}

/** Seconds that an artifact will take: as the last time, as another student of this run, or as planned. */
async function estimator(folder: string, known: ArtifactStatus[], listed: Artifact[]) {
  const planned: Partial<Record<string, number>> = (await readPlan(folder))?.here.seconds ?? {};
  const measured = (stage: string) => known.find((_, i) => listed[i]!.stage === stage && known[i]!.seconds);
  return ({ name, stage }: Artifact) => {
    const own = known.find((each) => each.name === name)?.seconds;
    return { name, seconds: own ?? measured(stage)?.seconds ?? planned[stage] };
  };
}

async function timeOf(file: string): Promise<Date | undefined> {
  return (await unlessMissing(stat(file)))?.mtime;
}
