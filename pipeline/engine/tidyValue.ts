// tf.tidy for functions whose result holds no tensors. tfjs searches what a tidy returns for tensors to keep, element
// by element, which takes long for a typed array and fails beyond 2^24 elements.
import { tf } from './tensorflow.ts';

/** Runs `f`, frees the tensors it made and returns its result untouched. */
export function tidyValue<R>(f: () => R): R {
  let result: { value: R } | undefined;
  tf.tidy(() => {
    result = { value: f() };
  });
  return result!.value;
}
