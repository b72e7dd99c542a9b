// A function with a hand-derived gradient, on tfjs's tape. The forward pass runs untaped raw ops and names what the
// backward pass needs; without a tape (inference) nothing is kept.
import { tf, type Tensor } from './tensorflow.ts';

/**
 * @param inputs the tensors to differentiate with respect to
 * @param forward gives the value and the tensors to keep for the backward pass
 * @param backward from dL/dvalue (float32) and the kept tensors to one float32 gradient per input
 */
export function withGradient<Saved extends Tensor[]>(
  inputs: Tensor[],
  forward: () => { value: Tensor; saved: [...Saved] },
  backward: (dValue: Tensor, saved: Saved) => Tensor[],
): Tensor {
  return tf.customGrad((...given) => {
    const save = given.at(-1) as unknown as (tensors: Tensor[]) => void;
    const { value, saved } = forward();
    save(saved);
    return { value, gradFunc: (dValue, kept) => tf.tidy(() => backward(dValue, kept as Saved)) };
  })(...inputs);
}
