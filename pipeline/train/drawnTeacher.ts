// What a cache of drawn tokens cannot give. Draws stand for the teacher on average, and only in what is linear in its
// probabilities: the cross-entropy of forward KL. In a logarithm of them, at another temperature, after clipping or
// renormalized over the tokens that happen to be drawn, they would teach another distribution.
import { UserError } from '../config/userError.ts';
import type { TrainConfig } from './trainConfig.ts';

/** @throws UserError naming the first key of train.yaml that needs the most probable tokens. */
export function refuseForDraws({ loss, tail, temperature, clip }: TrainConfig): void {
  const clips = clip.absolute !== undefined || clip.relative !== undefined;
  const fault = [
    { field: 'loss', value: loss, allowed: 'forward_kl', bad: loss !== 'forward_kl' },
    { field: 'tail', value: tail, allowed: 'bucket (it is empty)', bad: tail !== 'bucket' },
    { field: 'temperature', value: temperature, allowed: '1', bad: temperature !== 1 },
    { field: 'clip', value: clip, allowed: '{}', bad: clips },
  ].find(({ bad }) => bad);
  if (!fault) return;
  throw new UserError({
    ...{ file: 'train.yaml', field: fault.field, value: fault.value },
    problem: `the logits cache holds tokens drawn at random (method: sample), which go with ${fault.allowed} only`,
    remedy: `set ${fault.field} so, or method: topk in logits.yaml and run "make logits"`,
  });
}
