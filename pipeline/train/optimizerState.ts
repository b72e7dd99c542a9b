// What training holds of a parameter between steps: its weight, the copy that the products run on where that is not the
// weight itself, and AdamW's moments, each in the precision that train.yaml asks for. Vectors, a thousandth of a model,
// are held in float32 in any case.
import { cast } from '../engine/layoutOps.ts';
import { DTYPE_BYTES, type DType } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import {
  assign,
  disposeVariable,
  readVariable,
  variableOf,
  withValue,
  type Variable,
} from '../engine/variable.ts';
import { CODE_BLOCK, ZERO_CODES } from './momentCodes.ts';

/** A moment's values, or its codes and their scales (momentCodes.ts). */
export interface Moment {
  values: Variable;
  scales?: Variable;
}

export interface OptimizerState {
  weight: Variable;
  copy?: Variable;
  first: Moment;
  second: Moment;
}

/** Precisions of a matrix: of the products, the weight, and the moments. */
export interface StateFormat {
  dtype: 'float32' | 'bfloat16';
  master_dtype?: 'float32' | 'bfloat16';
  moment_dtype?: 'float32' | 'bfloat16' | 'uint8';
}

/** State for a parameter that starts at `initial` (float32); free it with `disposeState`. */
export function optimizerState(initial: Tensor, format: StateFormat): OptimizerState {
  const { dtype, master, moments } = dtypesOf(initial.rank, format);
  return {
    weight: variableOf(() => cast(initial, master)),
    ...(master !== dtype && { copy: variableOf(() => cast(initial, dtype)) }),
    first: zeroMoment(initial.shape, moments, ZERO_CODES.first),
    second: zeroMoment(initial.shape, moments, ZERO_CODES.second),
  };
}

/** A tensor that shares what the products run on; dispose of it before an update. */
export function workingWeight({ weight, copy }: OptimizerState): Tensor {
  return readVariable(copy ?? weight);
}

/** Sets the copy from the weight. */
export function refreshCopy({ weight, copy }: OptimizerState): void {
  if (copy) tf.tidy(() => assign(copy, cast(readVariable(weight), copy.dtype)));
}

/** All that a checkpoint holds, by the name of its part. */
export function savedVariables({ weight, first, second }: OptimizerState): [string, Variable][] {
  return [
    ['weight', weight],
    ['first_moment', first.values],
    ...(first.scales ? [['first_moment_scale', first.scales] as [string, Variable]] : []),
    ['second_moment', second.values],
    ...(second.scales ? [['second_moment_scale', second.scales] as [string, Variable]] : []),
  ];
}

export function disposeState(state: OptimizerState): void {
  for (const [, variable] of savedVariables(state)) disposeVariable(variable);
  if (state.copy) disposeVariable(state.copy);
}

/** Bytes for each element of a parameter of this rank; the gradient's are there from a backward pass to the update. */
export function bytesPerParameter(rank: number, format: StateFormat) {
  const { dtype, master, moments } = dtypesOf(rank, format);
  const scale = moments === 'uint8' ? DTYPE_BYTES.float32 / CODE_BLOCK : 0;
  return {
    weight: DTYPE_BYTES[master],
    copy: master === dtype ? 0 : DTYPE_BYTES[dtype],
    moments: 2 * (DTYPE_BYTES[moments] + scale),
    gradient: DTYPE_BYTES.float32, // of a single micro-batch those of its product
  };
}

/** How many parameters are trained and what they take, with their gradients. */
export function trainedSize(
  states: OptimizerState[],
  format: StateFormat,
): { parameters: number; bytes: number } {
  const total = { parameters: 0, bytes: 0 };
  for (const { weight } of states) {
    const { size, rank } = withValue(weight, ({ size, rank }) => ({ size, rank }));
    const bytes = Object.values(bytesPerParameter(rank, format)).reduce((sum, part) => sum + part, 0);
    total.parameters += size;
    total.bytes += size * bytes;
  }
  return total;
}

function dtypesOf(rank: number, { dtype, master_dtype = 'float32', moment_dtype = 'float32' }: StateFormat) {
  if (rank < 2) return { dtype: 'float32', master: 'float32', moments: 'float32' } as const;
  return { dtype, master: master_dtype, moments: moment_dtype };
}

function zeroMoment(shape: number[], dtype: DType, zeroCode: number): Moment {
  if (dtype !== 'uint8') return { values: variableOf(() => cast(tf.zeros(shape), dtype)) };
  const blocks = Math.ceil(shape.reduce((size, side) => size * side, 1) / CODE_BLOCK);
  return {
    values: variableOf(() => cast(tf.fill(shape, zeroCode), 'uint8')),
    scales: variableOf(() => tf.zeros([blocks])),
  };
}
