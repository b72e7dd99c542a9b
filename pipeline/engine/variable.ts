// Trainable state that lives in the engine and is updated in place: TensorFlow's resource variables.
// A variable's buffer is reused by an update only while no tensor shares it, so dispose what `readVariable` gave
// before the next update; otherwise TensorFlow copies.
import { rawOp, rawOps, type DType, dtypeOf } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** A named buffer in the engine; free it with `disposeVariable`. */
export interface Variable {
  handle: Tensor;
  dtype: DType;
  name: Name;
}

/** `family` is what variables share that can have the same name, one after the other: dtype and shape. */
interface Name {
  family: string;
  number: number;
}

/** Numbers of variables that are gone, by family. TensorFlow keeps a kernel for each name it ever saw (2.7 kB). */
const freeNumbers = new Map<string, number[]>();

let numbersGiven = 0;

/** A variable holding `initial`, whose buffer it shares. */
export function createVariable(initial: Tensor): Variable {
  const dtype = dtypeOf(initial);
  const family = `${dtype} ${initial.shape.join('x')}`;
  const number = freeNumbers.get(family)?.pop() ?? numbersGiven++;
  const shared_name = { text: `redistill/${number}` };
  const handle = rawOp('VarHandleOp', [], {
    dtype,
    shape: { shape: initial.shape },
    shared_name,
    container: { text: '' },
  });
  const variable = { handle: tf.keep(handle), dtype, name: { family, number } };
  assign(variable, initial);
  return variable;
}

/** A variable holding what `make` gives. */
export function variableOf(make: () => Tensor): Variable {
  const initial = tf.tidy(make);
  const variable = createVariable(initial);
  initial.dispose();
  return variable;
}

/** A tensor that shares the variable's present value. */
export function readVariable({ handle, dtype }: Variable): Tensor {
  return rawOp('ReadVariableOp', [handle], { dtype });
}

/** What `use` makes of the present value, which is let go afterwards. */
export function withValue<R>(variable: Variable, use: (value: Tensor) => R): R {
  const value = readVariable(variable);
  try {
    return use(value);
  } finally {
    value.dispose();
  }
}

/** Replaces the value; the variable then shares the tensor's buffer. */
export function assign({ handle, dtype }: Variable, value: Tensor): void {
  rawOps('AssignVariableOp', [handle, value], { dtype, validate_shape: false }, 0);
}

/** Adds `delta` in place. */
export function assignAdd({ handle, dtype }: Variable, delta: Tensor): void {
  rawOps('AssignAddVariableOp', [handle, delta], { dtype }, 0);
}

/** Adds row i of `updates` [n, D] to row `rows[i]` (int32 [n]) in place; rows may repeat. */
export function scatterAddRows({ handle, dtype }: Variable, rows: Tensor, updates: Tensor): void {
  rawOps('ResourceScatterAdd', [handle, rows, updates], { dtype, Tindices: 'int32' }, 0);
}

export function disposeVariable({ handle, name: { family, number } }: Variable): void {
  rawOps('DestroyResourceOp', [handle], { ignore_lookup_error: true }, 0);
  handle.dispose();
  const free = freeNumbers.get(family);
  if (free) free.push(number);
  else freeNumbers.set(family, [number]);
}
