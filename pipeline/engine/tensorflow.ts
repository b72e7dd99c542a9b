// The one import of TensorFlow in the code base. Everything else takes `tf` from here.
// The package is CommonJS, reads its settings when it is loaded, and still calls util.isNullOrUndefined,
// which Node 23 removed; so settings and shim come first and the import is a `require`.
import { createRequire } from 'node:module';
import util from 'node:util';
import type * as TensorFlow from '@tensorflow/tfjs-node-gpu'; // eslint-disable-line no-restricted-imports
import { messageOf, UserError } from '../config/userError.ts';

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
process.env.OMP_WAIT_POLICY ??= 'passive'; // threads of our kernels that wait awake slow TensorFlow's own to half
process.env.TF_ENABLE_ONEDNN_OPTS ??= '1'; // by itself only with AVX-512, but faster with AVX2 too
process.env.TF_DETERMINISTIC_OPS ??= '1'; // a scatter that adds in whatever order its threads arrive would never repeat
const utilWithRemoved = util as { isNullOrUndefined?: (value: unknown) => boolean };
utilWithRemoved.isNullOrUndefined ??= (value) => value === null || value === undefined;

/** A tensor of any dtype; see `dtypeOf` for the true one. Scopes (`tf.tidy`) and `tf.memory()` know all of them. */
export type Tensor = TensorFlow.Tensor;

export const tf = loadTensorFlow();

function loadTensorFlow(): typeof TensorFlow {
  try {
    return createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu') as typeof TensorFlow;
  } catch (error) {
    throw new UserError(
      { problem: `TensorFlow cannot be loaded (${messageOf(error)})`, remedy: 'run "make setup"' },
      { cause: error },
    );
  }
}
