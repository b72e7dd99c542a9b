// Divergences between two discrete distributions given by their log-probabilities, row by row.
// An outcome that does not exist (padding) has LOG_ZERO on both sides and contributes nothing.
// `jsd` is the generalized Jensen-Shannon divergence of GKD (arXiv 2306.13649, eq. 2): with M = beta P + (1 - beta) Q,
// beta KL(P || M) + (1 - beta) KL(Q || M).
import { tf, type Tensor } from '../engine/tensorflow.ts';

export const DIVERGENCES = ['forward_kl', 'reverse_kl', 'jsd'] as const;
export type Divergence = (typeof DIVERGENCES)[number];

/** Stands for log 0: finite, so that 0 * log 0 is 0, and exp of it is 0 in float32. */
export const LOG_ZERO = -1e4;

/**
 * @param teacher log p [n, K] @param student log q [n, K]
 * @returns [n]
 */
export function divergence(kind: Divergence, teacher: Tensor, student: Tensor, { beta = 0.5 } = {}): Tensor {
  if (kind === 'forward_kl') return kl(teacher, student);
  if (kind === 'reverse_kl') return kl(student, teacher);
  const mixture = mixtureOf(teacher, student, beta);
  return kl(teacher, mixture)
    .mul(beta)
    .add(kl(student, mixture).mul(1 - beta));
}

/** Its derivative by the student's log q, [n, K]: but for what is the same part of every q, which a softmax takes out. */
export function divergenceSlope(
  kind: Divergence,
  teacher: Tensor,
  student: Tensor,
  { beta = 0.5 } = {},
): Tensor {
  if (kind === 'forward_kl') return tf.exp(teacher).neg();
  const q = tf.exp(student);
  if (kind === 'reverse_kl') return q.mul(student.sub(teacher));
  return q.mul(student.sub(mixtureOf(teacher, student, beta))).mul(1 - beta);
}

function mixtureOf(teacher: Tensor, student: Tensor, beta: number): Tensor {
  return logAddExp(teacher.add(Math.log(beta)), student.add(Math.log(1 - beta)));
}

/**
 * KL(P || Q) = Σ p (log p - log q) + q - p. The last two cancel in the sum, but make no term negative: p (d + e^-d - 1)
 * for d = log p - log q. So float32 does not lose the KL of distributions that are close, nor is it moved by a P that
 * adds up to 1 + ε, as rounded ones do, but by ε² / 2.
 */
function kl(logP: Tensor, logQ: Tensor): Tensor {
  const [p, q, d] = [tf.exp(logP), tf.exp(logQ), logP.sub<Tensor>(logQ)];
  const close = p.mul(d.add(tf.expm1(tf.maximum(d, -1).neg())));
  return tf.where(tf.greater(d, -1), close, p.mul(d).add(q.sub(p))).sum(1);
}

/** log(eᵃ + eᵇ) without overflow. */
export function logAddExp(a: Tensor, b: Tensor): Tensor {
  return tf.maximum(a, b).add(tf.log1p(tf.exp(tf.abs(a.sub(b)).neg())));
}
