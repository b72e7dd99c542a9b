// The student in training: float32 masters with their moments, the copies the products run on, and the gradients of
// the step being built up. Going backward, one layer at a time is computed again from its saved input, so memory is
// the layer boundaries plus one layer's activations.
import { cast, gatherRows } from '../engine/layoutOps.ts';
import type { DenseWeight } from '../engine/linear.ts';
import { int32, rawOp } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import {
  assignAdd,
  createVariable,
  disposeVariable,
  readVariable,
  scatterAddRows,
  type Variable,
} from '../engine/variable.ts';
import {
  batchShape,
  decoderLayer,
  embed,
  finalNorm,
  type BatchShape,
  type Decoder,
  type Parameter,
} from '../model/decoder.ts';
import { layerParameters, loadDecoder, namedParameters } from '../model/loadDecoder.ts';
import { adamState, adamWUpdate, disposeAdamState, type AdamOptions, type AdamState } from './adamW.ts';
import type { DistillationLoss } from './distillationLoss.ts';
import { headLoss, type LossSums } from './headLoss.ts';
import type { TrainingBatch } from './trainingBatch.ts';

/** A parameter with its optimizer state; `gradient` exists from the first backward pass of a step to its update. */
interface TrainedParameter {
  parameter: Parameter;
  state: AdamState;
  gradient?: Variable;
}

export interface Student {
  /** Holds the copies that the products run on; they follow the masters after each update. */
  decoder: Decoder & { head: DenseWeight };
  parameters: Map<string, TrainedParameter>;
}

/** Loads a checkpoint for training with products in `dtype`; free it with `disposeStudent`. */
export async function createStudent(
  folder: string,
  { dtype }: { dtype: 'float32' | 'bfloat16' },
): Promise<Student> {
  const decoder = await loadDecoder(folder, { dtype: 'float32', trainable: true });
  const parameters = new Map<string, TrainedParameter>();
  for (const [name, parameter] of namedParameters(decoder)) {
    parameters.set(name, { parameter, state: adamState(parameter.values) });
    parameter.values.dispose();
  }
  const student: Student = { decoder: { ...decoder, dtype, head: denseHead(decoder) }, parameters };
  refreshCopies(student);
  return student;
}

export function disposeStudent({ parameters }: Student): void {
  for (const { parameter, state, gradient } of parameters.values()) {
    parameter.values.dispose();
    disposeAdamState(state);
    if (gradient) disposeVariable(gradient);
  }
}

/**
 * Adds one micro-batch's share to the gradients of the step.
 * @param scale weight of each loss position: 1 / positions of the whole step
 * @returns the sums of the loss terms over the batch's positions
 */
export function accumulateGradients(
  student: Student,
  { ids, B, T, rows, targets }: TrainingBatch,
  { loss, scale, headBlock }: { loss: DistillationLoss; scale: number; headBlock: number },
): LossSums {
  let sums: LossSums = { divergence: 0, crossEntropy: 0 };
  tf.tidy(() => {
    const { decoder } = student;
    const shape = batchShape(decoder, { B, T });
    const inputs = layerInputs(decoder, ids, shape);
    const picked = gatherRows(inputs.pop()!, int32(rows)); // [n, D]
    const head = headLoss({
      hidden: finalNorm(picked, decoder),
      head: decoder.head,
      targets,
      loss,
      scale,
      blockSize: headBlock,
      addHeadGradient: (dWeight) => addGradient(student, headName(decoder), dWeight),
    });
    sums = head.sums;
    let dx = scatterRows(backwardFinalNorm(student, picked, head.dHidden), rows, B * T);
    for (let i = inputs.length - 1; i >= 0; i--)
      dx = backwardLayer(student, i, { x: inputs.pop()!, dy: dx, shape });
    addEmbeddingGradient(student, ids, dx);
  });
  return sums;
}

/**
 * Applies the accumulated gradients, clipped to `maxGradNorm`, and forgets them.
 * @returns the global gradient norm before clipping; when it is not finite, nothing is applied.
 */
export function applyUpdate(
  student: Student,
  { maxGradNorm, ...options }: AdamOptions & { maxGradNorm: number },
): number {
  const norm = gradientNorm(student);
  for (const trained of student.parameters.values()) {
    const { parameter, state, gradient } = trained;
    if (!gradient) continue;
    if (Number.isFinite(norm)) {
      const weightDecay = parameter.values.rank > 1 ? options.weightDecay : 0; // not on norms and biases
      tf.tidy(() => {
        const g = readVariable(gradient);
        const clipped = norm > maxGradNorm ? g.mul<Tensor>(maxGradNorm / norm) : g;
        parameter.values.dispose(); // it may share the master's buffer, which is to change in place
        adamWUpdate(state, clipped, { ...options, weightDecay });
      });
    }
    disposeVariable(gradient);
    delete trained.gradient;
  }
  if (Number.isFinite(norm)) refreshCopies(student);
  return norm;
}

/** Sets each parameter's working copy from its master: matrices in the decoder's precision, vectors as they are. */
export function refreshCopies({ decoder, parameters }: Student): void {
  for (const { parameter, state } of parameters.values()) {
    if (!parameter.values.isDisposed) parameter.values.dispose();
    parameter.values = tf.tidy(() => {
      const master = readVariable(state.weight);
      return cast(master, master.rank > 1 ? decoder.dtype : 'float32');
    });
  }
}

function denseHead({ head }: Decoder): DenseWeight {
  if (head.kind !== 'dense') throw new Error('a student in training has plain weights');
  return head;
}

function headName(decoder: Decoder): string {
  return decoder.head === decoder.embedding ? 'model.embed_tokens.weight' : 'lm_head.weight';
}

/** The input of each layer and, last, of the final norm: each [B T, D]. */
function layerInputs(decoder: Decoder, ids: Int32Array, shape: BatchShape): Tensor[] {
  const inputs = [embed(decoder, ids)];
  for (const layer of decoder.layers) {
    const x = inputs.at(-1)!;
    inputs.push(tf.tidy(() => decoderLayer(x, layer, decoder, shape)));
  }
  return inputs;
}

function backwardFinalNorm(student: Student, x: Tensor, dy: Tensor): Tensor {
  const { decoder } = student;
  return tf.tidy(() => {
    const [dx, dGamma] = tf.grads((x) => finalNorm(x, decoder))([x, decoder.finalNorm.values], dy);
    addGradient(student, 'model.norm.weight', dGamma!);
    return dx!;
  });
}

/** Computes the layer again from its input, adds its parameters' gradients and returns dx; frees `x` and `dy`. */
function backwardLayer(
  student: Student,
  i: number,
  { x, dy, shape }: { x: Tensor; dy: Tensor; shape: BatchShape },
): Tensor {
  const { decoder } = student;
  const layer = decoder.layers[i]!;
  const named = [...layerParameters(layer)];
  const dx = tf.tidy(() => {
    const tensors = named.map(([, parameter]) => parameter.values);
    const [dx, ...gradients] = tf.grads((x) => decoderLayer(x, layer, decoder, shape))([x, ...tensors], dy);
    named.forEach(([name], n) => addGradient(student, `model.layers.${i}.${name}`, gradients[n]!));
    return dx!;
  });
  tf.dispose([x, dy]);
  return dx;
}

function addGradient({ parameters }: Student, name: string, gradient: Tensor): void {
  const trained = parameters.get(name)!;
  if (trained.gradient) assignAdd(trained.gradient, gradient);
  else trained.gradient = createVariable(gradient);
}

/** The embedding's gradient is sparse: each token's dx goes to the row of its id. */
function addEmbeddingGradient(student: Student, ids: Int32Array, dx: Tensor): void {
  const name = 'model.embed_tokens.weight';
  const { gradient, state } = student.parameters.get(name)!;
  if (!gradient) addGradient(student, name, tf.zerosLike(readVariable(state.weight)));
  scatterAddRows(student.parameters.get(name)!.gradient!, int32(ids), dx);
}

function scatterRows(values: Tensor, rows: Int32Array, total: number): Tensor {
  const indices = tf.tensor2d(rows, [rows.length, 1], 'int32');
  return tf.scatterND(indices, values, [total, values.shape[1]!]);
}

/** √ Σ g² over all parameters; TensorFlow's L2Loss is half a sum of squares in one pass. */
function gradientNorm({ parameters }: Student): number {
  return tf.tidy(() => {
    const halves = [...parameters.values()].flatMap(({ gradient }) =>
      gradient ? [rawOp('L2Loss', [readVariable(gradient)], { T: 'float32' })] : [],
    );
    return Math.sqrt(2 * tf.addN(halves).dataSync()[0]!);
  });
}
