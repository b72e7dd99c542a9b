// The next token of a greedy answer, in every row.
import { cast } from '../../engine/layoutOps.ts';
import { linear, type Weight } from '../../engine/linear.ts';
import { download, dtypeOf, int32, rawOp, upload } from '../../engine/rawOp.ts';
import { gatherPerRow, scatterAddPerRow } from '../../engine/rowOps.ts';
import { logSumExp } from '../../engine/softmax.ts';
import { tf, type Tensor } from '../../engine/tensorflow.ts';
import { tidyValue } from '../../engine/tidyValue.ts';
import { requireFinite } from './requireFinite.ts';

/**
 * The most probable token after each state [B, D], the first of equals; the states are freed.
 * @param seen the tokens of each row, prompt and answer, on which the penalty falls
 * @throws UserError when a row has a logit that is NaN or infinite.
 */
export function mostProbable(
  states: Tensor,
  seen: readonly (readonly number[])[],
  { head, repetitionPenalty }: { head: Weight; repetitionPenalty: number },
): ArrayLike<number> {
  const { best, sums } = tidyValue(() => {
    const logits = linear(states, { weight: head }); // [B, V]
    const penalized = repetitionPenalty === 1 ? logits : penalize(logits, seen, repetitionPenalty);
    const attributes = { T: dtypeOf(penalized), Tidx: 'int32', output_type: 'int32' } as const;
    return {
      best: download(rawOp('ArgMax', [penalized, int32(1)], attributes)),
      sums: download(logSumExp(penalized)),
    };
  });
  states.dispose();
  requireFinite(sums);
  return best;
}

/** transformers' RepetitionPenaltyLogitsProcessor (arXiv 1909.05858): of every token of prompt and answer, once. */
function penalize(logits: Tensor, seen: readonly (readonly number[])[], penalty: number): Tensor {
  const once = seen.map((tokens) => [...new Set(tokens)]);
  const K = Math.max(...once.map(({ length }) => length));
  const table = new Int32Array(once.length * K).fill(-1);
  once.forEach((tokens, b) => table.set(tokens, b * K));
  const ids = upload(table, [once.length, K]);
  const exact = cast(logits, 'float32');
  const before = gatherPerRow(exact, ids);
  const after = tf.where(before.less(0), before.mul(penalty), before.div(penalty));
  const isToken = ids.greaterEqual(0).cast('float32');
  return scatterAddPerRow(exact, ids, after.sub(before).mul(isToken));
}
