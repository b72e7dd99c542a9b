// Whether the project's own kernels (native/) can be used: they are compiled into the binding and run on the CPU. Each
// does in one pass over memory what the composed ops beside its call do in many; the composition is what it means, what
// runs on a GPU, and what tests compare it with.
import { engineInfo, rawOp } from './rawOp.ts';
import { tf } from './tensorflow.ts';

let available: boolean | undefined;

/** True where the ops named `Redistill…` are registered and the device is the CPU. */
export function hasFusedKernels(): boolean {
  return (available ??= engineInfo().device === 'cpu' && addRuns());
}

/** Runs `f` on composed ops alone, as a GPU does. */
export function withoutFusedKernels<R>(f: () => R): R {
  const before = hasFusedKernels();
  available = false;
  try {
    return f();
  } finally {
    available = before;
  }
}

function addRuns(): boolean {
  try {
    tf.tidy(() => void rawOp('RedistillAdd', [tf.zeros([1, 1]), tf.zeros([1, 1])], { T: 'float32' }));
    return true;
  } catch {
    return false; // the npm package's own binding
  }
}
