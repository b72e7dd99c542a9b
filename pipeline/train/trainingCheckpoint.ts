// Training state on disk: weights and moments, in the precision they are held in, in one safetensors file, and
// state.json, committed after it, which names the file, the step and the metrics so far. The newest is kept, and that of
// the best evaluation, which has to be saved at its step; what state.json does not name is litter.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { filesAreIntact } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { findText } from '../artifact/optionalFiles.ts';
import type { DType } from '../engine/rawOp.ts';
import { bytesOf, tensorFromBytes } from '../engine/tensorBytes.ts';
import { tf } from '../engine/tensorflow.ts';
import { assign, withValue, type Variable } from '../engine/variable.ts';
import { openSafetensors, writeSafetensors, type Dtype, type TensorSource } from '../model/safetensors.ts';
import type { MetricRecord } from './metrics.ts';
import { savedVariables } from './optimizerState.ts';
import { bestEvaluation } from './runDecisions.ts';
import { refreshCopies, type Student } from './student.ts';

/** Where a run stands. `fingerprint` is that of the run's plan: another run's checkpoint is not resumed. */
export interface TrainingState {
  fingerprint: string;
  step: number;
  metrics: MetricRecord[];
  /** What each step took; of no influence on the result. */
  seconds: number[];
}

/** Commits a checkpoint to `folder` and removes those before, but for the best. */
export async function saveCheckpoint(folder: string, student: Student, state: TrainingState): Promise<void> {
  const tensors = stateVariables(student).map(([name, variable]) => source(name, variable));
  const newest = await writeSafetensors(join(folder, fileOf(state.step)), tensors);
  const best = fileOf(bestEvaluation(state.metrics)?.step);
  const before = (await readState(join(folder, 'state.json')))?.files ?? [];
  const files = [newest, ...before.filter(({ file }) => file === best && file !== newest.file)];
  await commitBytes(join(folder, 'state.json'), JSON.stringify({ ...state, files }) + '\n');
  const kept = new Set(['state.json', ...files.map(({ file }) => file)]);
  const litter = (await readdir(folder)).filter((name) => !kept.has(name));
  await Promise.all(litter.map((name) => rm(join(folder, name))));
}

/** Restores the checkpoint of the run `fingerprint`, if there is a sound one, and says where it stands. */
export async function restoreCheckpoint(
  folder: string,
  student: Student,
  fingerprint: string,
): Promise<TrainingState | undefined> {
  const state = await readState(join(folder, 'state.json'));
  if (state?.fingerprint !== fingerprint || !(await filesAreIntact(folder, state))) return undefined;
  await restoreStep(folder, student, state.step);
  return state;
}

/** Gives the student what was saved after `step`, the newest or the best. */
export async function restoreStep(folder: string, student: Student, step: number): Promise<void> {
  const file = await openSafetensors(join(folder, fileOf(step)));
  try {
    for (const [name, variable] of stateVariables(student)) {
      const { data, shape } = await file.read(name);
      requireSameShape(file.path, name, { found: shape, expected: withValue(variable, (v) => v.shape) });
      tf.tidy(() => assign(variable, tensorFromBytes(data, shape, variable.dtype)));
    }
  } finally {
    await file.close();
  }
  refreshCopies(student);
}

function fileOf(step: number | undefined): string {
  return `step-${String(step).padStart(6, '0')}.safetensors`;
}

function requireSameShape(
  file: string,
  field: string,
  { found, expected }: { found: readonly number[]; expected: readonly number[] },
): void {
  if (found.join() === expected.join()) return;
  const problem = `what is trained has the shape ${JSON.stringify(expected)}`;
  throw new UserError({ file, field, value: found, problem, remedy: 'remove the folder to start again' });
}

async function readState(path: string): Promise<(TrainingState & { files: FileRecord[] }) | undefined> {
  const text = await findText(path);
  return text === undefined ? undefined : (JSON.parse(text) as TrainingState & { files: FileRecord[] });
}

function stateVariables({ parameters }: Student): [string, Variable][] {
  return [...parameters].flatMap(([name, { state }]) =>
    savedVariables(state).map(([part, variable]): [string, Variable] => [`${part}.${name}`, variable]),
  );
}

const FILE_DTYPES: { [dtype in DType]?: Dtype } = { float32: 'F32', bfloat16: 'BF16', uint8: 'U8' };

function source(name: string, variable: Variable): TensorSource {
  const shape = withValue(variable, (value) => value.shape);
  return { name, dtype: FILE_DTYPES[variable.dtype]!, shape, data: () => withValue(variable, bytesOf) };
}
