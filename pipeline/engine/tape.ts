// Reverse-mode differentiation over functions with hand-derived gradients. tfjs has a tape of its own, but it keeps
// every intermediate and every gradient until the whole pass is over; this one keeps only what a function names, and
// frees each piece as soon as the backward pass is past it. Tensors are known by their ids, so what a tape refers to
// may itself be long gone.
import { cast } from './layoutOps.ts';
import { dtypeOf, rawOp } from './rawOp.ts';
import { tf, type Tensor } from './tensorflow.ts';

/** A tensor that training may replace; only a `trainable` one is given a gradient. */
export interface Parameter {
  values: Tensor;
  trainable: boolean;
}

interface TapeNode {
  inputs: number[];
  output: number;
  saved: Tensor[];
  backward: (dOutput: Tensor, saved: Tensor[]) => Tensor[];
}

/** What a recorded pass left behind, to be given to `backpropagate` once. */
export interface Tape {
  nodes: TapeNode[];
  output: number;
}

/** Receives dL/dtensor for the tensor with this id; the gradient is freed afterwards. */
export type Leaves = Map<number, (gradient: Tensor) => void>;

let recording: TapeNode[] | undefined;

/**
 * A function on the tape.
 * @param inputs the tensors to differentiate with respect to
 * @param forward gives the value and the tensors to keep for the backward pass; nothing is kept unless recording
 * @param backward from dL/dvalue and the kept tensors to one gradient per input; a gradient has the dtype of its tensor
 * or float32
 */
export function withGradient<Saved extends Tensor[]>(
  inputs: Tensor[],
  forward: () => { value: Tensor; saved: [...Saved] },
  backward: (dValue: Tensor, saved: Saved) => Tensor[],
): Tensor {
  let saved: Tensor[] = [];
  const value = tf.tidy(() => {
    const result = forward();
    if (recording) saved = result.saved.map((tensor) => tf.keep(tensor.clone()));
    return result.value;
  });
  recording?.push({
    inputs: inputs.map(({ id }) => id),
    output: value.id,
    saved,
    backward: backward as TapeNode['backward'],
  });
  return value;
}

/** Runs `f` and records the functions it calls. */
export function record(f: () => Tensor): { value: Tensor; tape: Tape } {
  const nodes: TapeNode[] = [];
  const value = recordingTo(nodes, f);
  return { value, tape: { nodes, output: value.id } };
}

/** Goes back through the tape from dL/dvalue, hands each leaf its gradients, and frees what the tape kept. */
export function backpropagate({ nodes, output }: Tape, dValue: Tensor, leaves: Leaves): void {
  const gradients = new Map([[output, tf.keep(dValue.clone())]]);
  const produced = new Set(nodes.map((node) => node.output));
  for (const { inputs, output, saved, backward } of nodes.reverse()) {
    const dOutput = gradients.get(output);
    gradients.delete(output);
    if (dOutput)
      tf.tidy(() =>
        backward(dOutput, saved).forEach((gradient, i) => {
          const id = inputs[i]!;
          leaves.get(id)?.(gradient);
          if (produced.has(id)) accumulate(gradients, id, gradient);
        }),
      );
    tf.dispose(dOutput ? [dOutput, ...saved] : saved);
  }
}

/**
 * `f(x)` of which only `x` is kept: going back, `f` runs again. For memory's sake.
 * @param leaves receive the gradients of the other tensors that `f` uses
 */
export function recomputed(x: Tensor, f: (x: Tensor) => Tensor, leaves: Leaves): Tensor {
  return withGradient(
    [x],
    () => ({ value: recordingTo(undefined, () => f(x)), saved: [x] as [Tensor] }),
    (dValue, [x]) => {
      const { tape } = record(() => f(x));
      const own = new Map<number, Tensor>();
      backpropagate(tape, dValue, new Map([...leaves, [x.id, (dx) => accumulate(own, x.id, dx)]]));
      const dx = own.get(x.id)!;
      const result = dx.clone();
      dx.dispose();
      return [result];
    },
  );
}

function recordingTo<R>(nodes: TapeNode[] | undefined, f: () => R): R {
  const outer = recording;
  recording = nodes;
  try {
    return f();
  } finally {
    recording = outer;
  }
}

function accumulate(gradients: Map<number, Tensor>, id: number, gradient: Tensor): void {
  const before = gradients.get(id);
  gradients.set(id, tf.keep(before ? sum(before, gradient) : gradient.clone()));
  before?.dispose();
}

function sum(a: Tensor, b: Tensor): Tensor {
  const T = dtypeOf(a) === dtypeOf(b) ? dtypeOf(a) : 'float32';
  return tf.tidy(() => rawOp('AddV2', [cast(a, T), cast(b, T)], { T }));
}
