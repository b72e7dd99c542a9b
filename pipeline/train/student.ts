// The student in training: weights with their moments, the copies the products run on, and the gradients of the step
// being built up. With `recompute` only the layers' inputs are kept and each layer is computed again on the
// way back: a third more work for a fraction of the memory.
import { fingerprint } from '../artifact/fingerprint.ts';
import { gatherRows } from '../engine/layoutOps.ts';
import type { DenseWeight } from '../engine/linear.ts';
import type { RandomKey } from '../engine/randomBits.ts';
import { int32 } from '../engine/rawOp.ts';
import {
  backpropagate,
  record,
  recomputed,
  withGradient,
  type Leaves,
  type Parameter,
} from '../engine/tape.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { disposeVariable, readVariable, type Variable } from '../engine/variable.ts';
import { batchShape, decoderLayer, embed, finalNorm, type Decoder } from '../model/decoder.ts';
import { loadDecoder, namedParameters } from '../model/loadDecoder.ts';
import { readModelConfig } from '../model/modelConfig.ts';
import { adamWUpdate, type AdamOptions } from './adamW.ts';
import type { DistillationLoss } from './distillationLoss.ts';
import { frozenParameters } from './frozenParameters.ts';
import { addToGradient, addToRows, globalNorm } from './gradients.ts';
import { headLoss, type LossSums } from './headLoss.ts';
import { adaptedProjections, attachAdapters, type LoraConfig } from './lora.ts';
import {
  disposeState,
  optimizerState,
  refreshCopy,
  workingWeight,
  type OptimizerState,
  type StateFormat,
} from './optimizerState.ts';
import type { TrainingBatch } from './trainingBatch.ts';

/** A parameter with its optimizer state; `gradient` exists from the first backward pass of a step to its update. */
interface TrainedParameter {
  parameter: Parameter;
  state: OptimizerState;
  gradient?: Variable;
}

export interface Student {
  /** Holds the copies that the products run on; they follow the masters after each update. */
  decoder: Decoder & { head: DenseWeight };
  /** What is trained, by name; the rest of the decoder is frozen and has no state. */
  parameters: Map<string, TrainedParameter>;
}

/** `dtype` is the precision of frozen matrices, too. */
interface StudentOptions extends StateFormat {
  /** Globs over the modules that stay as they are. */
  freeze?: readonly string[];
  /** Trains adapters alone, which start from `seed`. */
  lora?: LoraConfig | undefined;
  seed?: number;
}

/**
 * Loads a checkpoint for training; free it with `disposeStudent`.
 * @throws UserError for a checkpoint that cannot be read, or a glob of `freeze` or `lora` that matches nothing
 */
export async function createStudent(
  folder: string,
  { freeze = [], lora, seed = 0, ...format }: StudentOptions,
): Promise<Student> {
  const config = await readModelConfig(folder);
  const frozen = frozenParameters(config, { freeze, lora });
  const adapted = lora && adaptedProjections(config, lora);
  const decoder = await loadDecoder(folder, {
    dtype: format.dtype,
    isTrainable: (name) => !frozen.has(name),
  });
  if (lora && adapted) attachAdapters(decoder, adapted, { ...lora, seed });
  const parameters = new Map<string, TrainedParameter>();
  for (const [name, parameter] of namedParameters(decoder)) {
    if (!parameter.trainable) continue;
    const state = optimizerState(parameter.values, format);
    parameter.values.dispose();
    parameter.values = workingWeight(state);
    parameters.set(name, { parameter, state });
  }
  return { decoder: { ...decoder, head: denseHead(decoder) }, parameters };
}

export function disposeStudent({ decoder, parameters }: Student): void {
  for (const { values } of namedParameters(decoder).values()) values.dispose();
  for (const { state, gradient } of parameters.values()) {
    disposeState(state);
    if (gradient) disposeVariable(gradient);
  }
}

/**
 * Adds one micro-batch's share to the gradients of the step.
 * @param scale what each loss position's weight is multiplied by: 1 / the sum of the weights of the whole step
 * @param dropoutSeed of this micro-batch alone; without it adapters drop nothing
 * @param recompute keep only the layers' inputs and compute each layer again on the way back
 * @returns the sums of the loss terms over the batch's positions
 */
export function accumulateGradients(
  student: Student,
  batch: TrainingBatch,
  {
    loss,
    scale,
    headBlock,
    recompute,
    dropoutSeed,
  }: {
    loss: DistillationLoss;
    scale: number;
    headBlock: number;
    recompute: boolean;
    dropoutSeed?: number;
  },
): LossSums {
  let sums: LossSums = { divergence: 0, crossEntropy: 0 };
  tf.tidy(() => {
    const { decoder } = student;
    const embedded = embed(decoder, batch.ids);
    const leaves = parameterLeaves(student);
    if (decoder.embedding.trainable)
      leaves.set(embedded.id, (dx) => addEmbeddingGradient(student, batch.ids, dx));
    const { value: hidden, tape } = record(() =>
      predictingStates(decoder, embedded, batch, {
        recompute,
        leaves,
        ...(dropoutSeed !== undefined && { dropoutSeed }),
      }),
    );
    const { head } = decoder;
    const addHeadGradient = leaves.get(head.values.id);
    const result = headLoss({
      hidden,
      head,
      targets: batch.targets,
      loss,
      scale,
      blockSize: headBlock,
      addHeadGradient,
    });
    backpropagate(tape, result.dHidden, leaves);
    sums = result.sums;
  });
  return sums;
}

/**
 * Applies the accumulated gradients, clipped to `maxGradNorm`, and forgets them.
 * @param seed with the step and a parameter's name chooses how what is held in fewer bits than float32 is rounded
 * @returns the global gradient norm before clipping; when it is not finite, nothing is applied.
 */
export function applyUpdate(
  student: Student,
  { maxGradNorm, seed = 0, ...options }: AdamOptions & { maxGradNorm: number; seed?: number },
): number {
  const gradients = [...student.parameters.values()].flatMap(({ gradient }) => gradient ?? []);
  const norm = globalNorm(gradients);
  const gradientScale = Math.min(1, maxGradNorm / norm);
  for (const [name, { parameter, state, gradient }] of student.parameters) {
    if (!gradient || !Number.isFinite(norm)) continue;
    const weightDecay = parameter.values.rank > 1 ? options.weightDecay : 0; // not on norms and biases
    const key = roundingKey(seed, options.step, name);
    parameter.values.dispose(); // it shares the buffer of what is to change in place
    tf.tidy(() =>
      adamWUpdate(state, readVariable(gradient), { ...options, weightDecay, gradientScale, key }),
    );
    parameter.values = workingWeight(state);
  }
  forgetGradients(student);
  return norm;
}

/** Drops the accumulated gradients without an update. */
export function forgetGradients({ parameters }: Student): void {
  for (const trained of parameters.values()) {
    if (trained.gradient) disposeVariable(trained.gradient);
    delete trained.gradient;
  }
}

/** Gives the decoder the weights of the states, after these were changed from outside. */
export function refreshCopies({ parameters }: Student): void {
  for (const { parameter, state } of parameters.values()) {
    refreshCopy(state);
    parameter.values.dispose();
    parameter.values = workingWeight(state);
  }
}

/** Another for each parameter and step, so that a run that is resumed rounds as the uninterrupted one does. */
function roundingKey(seed: number, step: number, name: string): RandomKey {
  const bytes = Buffer.from(fingerprint([seed, step, name]), 'hex');
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
}

function denseHead({ head }: Decoder): DenseWeight {
  if (head.kind !== 'dense') throw new Error('a student in training has plain weights');
  return head;
}

/** What the head reads at the positions that predict a target: [n, D]. */
function predictingStates(
  decoder: Decoder,
  embedded: Tensor,
  batch: TrainingBatch,
  { recompute, leaves, ...dropout }: { recompute: boolean; leaves: Leaves; dropoutSeed?: number },
): Tensor {
  const shape = { ...batchShape(decoder, batch), ...dropout };
  let x = embedded;
  for (const layer of decoder.layers) {
    const forward = (x: Tensor) => tf.tidy(() => decoderLayer(x, layer, decoder, shape));
    const next = recompute ? recomputed(x, forward, leaves) : forward(x);
    if (x !== embedded) x.dispose();
    x = next;
  }
  return finalNorm(pickRows(x, batch.rows), decoder);
}

/** Rows of [N, D]; the gradient goes back to where they came from. */
function pickRows(x: Tensor, rows: Int32Array): Tensor {
  const N = x.shape[0];
  return withGradient(
    [x],
    () => ({ value: gatherRows(x, int32(rows)), saved: [] }),
    (d) => [tf.scatterND(tf.tensor2d(rows, [rows.length, 1], 'int32'), d, [N, d.shape[1]!])],
  );
}

function parameterLeaves({ parameters }: Student): Leaves {
  return new Map(
    [...parameters.values()].map((trained) => [
      trained.parameter.values.id,
      (gradient: Tensor) => addGradient(trained, gradient),
    ]),
  );
}

function addGradient(trained: TrainedParameter, gradient: Tensor): void {
  trained.gradient = addToGradient(trained.gradient, gradient);
}

/** The embedding's gradient is sparse: each token's dx goes to the row of its id. */
function addEmbeddingGradient({ parameters }: Student, ids: Int32Array, dx: Tensor): void {
  const embedding = parameters.get('model.embed_tokens.weight')!;
  embedding.gradient = addToRows(embedding.gradient, dx, {
    rows: ids,
    shape: embedding.parameter.values.shape,
  });
}
