// The distillation loss on student logits z [n, V] against a teacher known by its K most probable tokens S, and its
// gradient, written so that nothing of size V beyond z, q and dz is ever made.
//
// Outcomes are the tokens of S and, with `tail: bucket`, one more: "any other token". With q = softmax(z/T), the
// student's log-probabilities are log q_i and log q_tail = log(1 - Σ_S q_i). For a loss L with g_o = dL/d(log q_o),
// G = Σ g_o, and since d(log q_i)/du_j = δ_ij - q_j and d(log q_tail)/du_j = [j ∉ S] q_j / q_tail - q_j for u = z/T:
//   dL/du = a q + (on S only) (g_i - q_i g_tail / q_tail),   a = g_tail / q_tail - G
// With `tail: drop` both sides are renormalized over S and dL/du = g_i - q'_i G on S, 0 elsewhere.
// KD losses carry T² (arXiv 1503.02531), so their size does not depend on T: dL/dz = T dL/du.
//
// Clipping bounds logits before the softmax on both sides: `absolute` c to [-c, c], `relative` c to at least max - c.
// A clipped student logit gets no gradient. Of the teacher's tail only the mass is known: it is raised to what it
// would be if every tail token stood at the bound, which is exact when all of them lie below it.
//
// A teacher known by drawn tokens is S with their shares of the draws w, Σ w = 1, and a tail bucket of mass 0. For
// forward KL dL/dz is then q - w, on average q - p; the value lacks the constant that `offset` supplies.
import { gatherPerRow, scatterAddPerRow } from '../engine/rowOps.ts';
import { cast, slice } from '../engine/layoutOps.ts';
import { dtypeOf, rawOp, type DType } from '../engine/rawOp.ts';
import { logSumExp, scaledSoftmax } from '../engine/softmax.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { divergence, divergenceSlope, logAddExp, LOG_ZERO, type Divergence } from './divergence.ts';

/** The teacher at n positions, at the training temperature. Rows with fewer than K tokens are padded with -1 ids. */
export interface TeacherTargets {
  ids: Tensor; // [n, K] int32, -1 where there is none
  logits: Tensor; // [n, K] float32, not divided by T
  logSumExp: Tensor; // [n, 1] float32, of logits / T over the whole vocabulary
  logTailMass: Tensor; // [n, 1] float32, log of the probability at T outside `ids`; LOG_ZERO for none
  labels: Tensor; // [n, 1] int32, the next token of the text
  /** [n, 1] float32, of drawn tokens: what makes the divergence from the draws an estimate of that from the teacher. */
  offset?: Tensor;
  /** [n, 1] float32, of each position in the loss of a step; 1 where left out. The loss's own values do not hold it. */
  weights?: Tensor;
}

/** The targets of `rows` positions from `begin` on. */
export function rowsOfTargets(targets: TeacherTargets, begin: number, rows: number): TeacherTargets {
  const part = (tensor: Tensor) => slice(tensor, [begin, 0], [rows, -1]);
  return {
    ids: part(targets.ids),
    logits: part(targets.logits),
    logSumExp: part(targets.logSumExp),
    logTailMass: part(targets.logTailMass),
    labels: part(targets.labels),
    ...(targets.offset && { offset: part(targets.offset) }),
    ...(targets.weights && { weights: part(targets.weights) }),
  };
}

export interface Clip {
  absolute?: number | undefined;
  relative?: number | undefined;
}

/** The loss as `train.yaml` names its parts. */
export interface DistillationLoss {
  loss: Divergence;
  beta: number;
  temperature: number;
  tail: 'bucket' | 'drop';
  clip: Clip;
  /** 1 where left out; 0 for the cross-entropy alone. */
  divergenceWeight?: number;
  crossEntropyWeight: number;
}

/** Unweighted values [n] of both terms, and dL/dz [n, V] of the sum of both, each times its weight. */
export interface LossAndGradient {
  divergence: Tensor;
  crossEntropy: Tensor;
  dLogits: Tensor;
}

/**
 * @param logits student logits z [n, V], float32 or bfloat16
 * @param gradientDtype precision of `dLogits`: that of the product it goes into
 */
export function distillationLoss(
  logits: Tensor,
  targets: TeacherTargets,
  loss: DistillationLoss,
  { gradientDtype = 'float32' }: { gradientDtype?: DType } = {},
): LossAndGradient {
  return tf.tidy(() => {
    const { bounded, student, plain } = softmaxes(logits, loss);
    const { value, dense, sparse } = divergenceParts(student, targets, loss);
    const kd = { softmax: student, dense, ids: targets.ids, sparse };
    const ce = crossEntropyCombination(plain, targets.labels, loss.crossEntropyWeight);
    const dLogits =
      plain === student
        ? rowCombination(sumOf(kd, ce), gradientDtype)
        : addGradients(
            maskClipped(rowCombination(kd, gradientDtype), bounded.kept),
            loss.crossEntropyWeight === 0 ? undefined : rowCombination(ce, gradientDtype),
          );
    const crossEntropy = crossEntropyOf(plain, targets.labels);
    return { divergence: withOffset(value, targets), crossEntropy, dLogits };
  });
}

/** The values alone, as `distillationLoss` gives them: [n] each. */
export function lossValues(
  logits: Tensor,
  targets: TeacherTargets,
  loss: DistillationLoss,
): Omit<LossAndGradient, 'dLogits'> {
  return tf.tidy(() => {
    const { student, plain } = softmaxes(logits, loss);
    const { p, q } = outcomesOf(student, targets, loss);
    const value = divergence(loss.loss, p, q, loss).mul(loss.temperature ** 2);
    return { divergence: withOffset(value, targets), crossEntropy: crossEntropyOf(plain, targets.labels) };
  });
}

/** The softmax that the divergence sees (clipped, at T) and the plain one of the cross-entropy; one where they agree. */
function softmaxes(logits: Tensor, { temperature, clip }: DistillationLoss) {
  const bounded = isClipping(clip) ? clipLogits(cast(logits, 'float32'), clip) : { logits, kept: undefined };
  const student = softmaxOf(
    temperature === 1 ? bounded.logits : cast(bounded.logits, 'float32').div(temperature),
  );
  const plain = temperature === 1 && !bounded.kept ? student : softmaxOf(logits);
  return { bounded, student, plain };
}

interface Softmax {
  scaled: Tensor; // u [n, V]; softmax(u) itself is only ever made as a part of the gradient
  logSumExp: Tensor; // of u, [n, 1] float32
}

function softmaxOf(scaled: Tensor): Softmax {
  return { scaled, logSumExp: logSumExp(scaled) };
}

/** log softmax(u) at some columns of each row: ids [n, K] to [n, K] float32. */
function logProbsAt({ scaled, logSumExp }: Softmax, ids: Tensor): Tensor {
  return cast(gatherPerRow(scaled, ids), 'float32').sub(logSumExp);
}

/** Log-probabilities of the outcomes for teacher p and student q: [n, K] and, with the bucket, one column more. */
function outcomesOf(student: Softmax, targets: TeacherTargets, loss: DistillationLoss) {
  const valid = tf.greaterEqual(targets.ids, 0);
  const orZero = (logProbs: Tensor): Tensor => tf.where(valid, logProbs, LOG_ZERO);
  const teacher = teacherLogProbs(targets, loss, student.scaled.shape[1]!);
  const kept = {
    p: orZero(teacher.kept),
    q: orZero(logProbsAt(student, targets.ids)),
  };
  const mass = { p: tf.logSumExp(kept.p, 1, true), q: tf.logSumExp(kept.q, 1, true) }; // log Σ_S
  if (loss.tail === 'drop') return { p: orZero(kept.p.sub(mass.p)), q: orZero(kept.q.sub(mass.q)) };
  const hasOthers = tf.less(valid.cast('float32').sum(1, true), student.scaled.shape[1]!); // not at k = V
  const tail: Tensor = tf.where(hasOthers, log1mexp(mass.q), LOG_ZERO);
  return { p: tf.concat([kept.p, teacher.tail], 1), q: tf.concat([kept.q, tail], 1) };
}

/**
 * Values of the KD loss [n], and the gradient by z, of the loss times its weight, as `dense * q` [n, 1] plus `sparse`
 * [n, K] on the teacher's tokens.
 */
function divergenceParts(student: Softmax, targets: TeacherTargets, loss: DistillationLoss) {
  const { p, q: logQ } = outcomesOf(student, targets, loss);
  const { temperature: T, divergenceWeight = 1 } = loss;
  const value = divergence(loss.loss, p, logQ, loss).mul(T * T);
  const g = divergenceSlope(loss.loss, p, logQ, loss);
  const slope = divergenceWeight * T; // of the weighted loss by z, where g is by z / T and without T²
  const G = g.sum(1, true);
  const q = tf.exp(logQ);
  if (loss.tail === 'drop') return { value, dense: tf.zerosLike(G), sparse: g.sub(q.mul(G)).mul(slope) };
  const K = targets.ids.shape[1]!;
  const onKept = (x: Tensor) => x.slice([0, 0], [-1, K]);
  const tailSlope = tf.divNoNan(g.slice([0, K]), q.slice([0, K])); // g_tail / q_tail
  const sparse = onKept(g).sub(onKept(q).mul(tailSlope));
  const valid = tf.greaterEqual(targets.ids, 0);
  return { value, dense: tailSlope.sub(G).mul(slope), sparse: tf.where(valid, sparse, 0).mul(slope) };
}

function withOffset(value: Tensor, { offset }: TeacherTargets): Tensor {
  return offset ? value.add(offset.squeeze([1])) : value;
}

/** -log softmax(z)[label], [n]. */
function crossEntropyOf(softmax: Softmax, labels: Tensor): Tensor {
  return logProbsAt(softmax, labels).neg().squeeze([1]);
}

/** Its gradient, w (q - onehot). */
function crossEntropyCombination(softmax: Softmax, labels: Tensor, weight: number): RowCombination {
  const column = tf.onesLike(softmax.logSumExp).mul(weight);
  return { softmax, dense: column, ids: labels, sparse: column.neg() };
}

/** The teacher's log-probabilities at T after clipping: of its tokens [n, K] and of all others together [n, 1]. */
function teacherLogProbs(
  { ids, logits, logSumExp, logTailMass }: TeacherTargets,
  { temperature: T, clip }: DistillationLoss,
  V: number,
) {
  if (!isClipping(clip)) return { kept: logits.div(T).sub(logSumExp), tail: logTailMass };
  const valid = tf.greaterEqual(ids, 0);
  const clipped = clipLogits(logits, clip);
  const kept = tf.where(valid, clipped.logits.div(T), LOG_ZERO);
  const others = tf.sub(V, valid.cast('float32').sum(1, true)); // how many tokens the tail has
  const floor = tf.where(
    tf.greater(others, 0),
    tf.log(tf.maximum(others, 1)).add(clipped.lowest.div(T)),
    LOG_ZERO,
  );
  const tail = tf.maximum(logSumExp.add(logTailMass), floor);
  const total = logAddExp(tf.logSumExp(kept, 1, true), tail);
  return { kept: kept.sub(total), tail: tf.maximum(tail.sub(total), LOG_ZERO) };
}

function isClipping({ absolute, relative }: Clip): boolean {
  return absolute !== undefined || relative !== undefined;
}

/** Bounded logits, the lower bound of each row [n, 1], and where a logit was inside the bounds. */
function clipLogits(
  logits: Tensor,
  { absolute, relative }: Clip,
): { logits: Tensor; lowest: Tensor; kept: Tensor } {
  const max = tf.minimum(logits.max(1, true), absolute ?? Infinity); // with both bounds, of what `absolute` leaves
  const lowest = tf.maximum(
    relative === undefined ? tf.fill(max.shape, -Infinity) : max.sub(relative),
    absolute === undefined ? -Infinity : -absolute,
  );
  const highest = absolute ?? Infinity;
  const kept = tf.logicalAnd(tf.greaterEqual(logits, lowest), tf.lessEqual(logits, highest));
  return { logits: tf.minimum(tf.maximum(logits, lowest), highest), lowest, kept };
}

/** A gradient of the form `dense * q` on every token plus `sparse` on a few. */
interface RowCombination {
  softmax: Softmax;
  dense: Tensor; // [n, 1]
  ids: Tensor; // [n, K]
  sparse: Tensor; // [n, K]
}

function rowCombination({ softmax, dense, ids, sparse }: RowCombination, dtype: DType): Tensor {
  const { scaled, logSumExp } = softmax;
  return tf.tidy(() =>
    scatterAddPerRow(scaledSoftmax(scaled, { logSumExp, factor: dense, dtype }), ids, sparse),
  );
}

/** Two combinations over the same softmax as one. */
function sumOf(a: RowCombination, b: RowCombination): RowCombination {
  return {
    softmax: a.softmax,
    dense: a.dense.add(b.dense),
    ids: tf.concat([a.ids, b.ids], 1),
    sparse: tf.concat([a.sparse, b.sparse], 1),
  };
}

/** No gradient where the logit was clipped. */
function maskClipped(gradient: Tensor, kept: Tensor | undefined): Tensor {
  const T = dtypeOf(gradient);
  return kept ? rawOp('Mul', [gradient, cast(kept, T)], { T }) : gradient;
}

function addGradients(a: Tensor, b: Tensor | undefined): Tensor {
  return b ? rawOp('AddV2', [a, b], { T: dtypeOf(a) }) : a;
}

/** log(1 - eˣ) for x < 0 (Maechler 2012); x closer to 0 than float32 resolves counts as -2^-23. */
function log1mexp(x: Tensor): Tensor {
  const below = tf.minimum(x, -(2 ** -23));
  return tf.where(
    tf.greater(below, -Math.LN2),
    tf.log(tf.neg(tf.expm1(below))),
    tf.log1p(tf.neg(tf.exp(below))),
  );
}
