// The log-probabilities of single tokens after given states: each state goes through the head once, however many tokens
// are asked for there, and only those logits leave the engine.
import { cast, gatherRows } from '../../engine/layoutOps.ts';
import { linear, type Weight } from '../../engine/linear.ts';
import { download, dtypeOf, int32, rawOp, upload } from '../../engine/rawOp.ts';
import { logSumExp } from '../../engine/softmax.ts';
import type { Tensor } from '../../engine/tensorflow.ts';
import { tidyValue } from '../../engine/tidyValue.ts';
import { requireFinite } from './requireFinite.ts';

/** A token that is asked for after the state in `row`. */
export interface Target {
  row: number;
  token: number;
}

export interface TokenScore {
  logProb: number;
  /** Whether it is the most probable token, the first of equals. */
  isBest: boolean;
}

/**
 * Scores tokens after states [N, D], `headBlock` states at a time.
 * @throws UserError when a logit is NaN or infinite.
 */
export function scoreTargets(
  hidden: Tensor,
  targets: readonly Target[],
  { head, headBlock }: { head: Weight; headBlock: number },
): TokenScore[] {
  const rows = [...new Set(targets.map(({ row }) => row))];
  const places = new Map(rows.map((row, place) => [row, place]));
  const scores: TokenScore[] = [];
  for (let begin = 0; begin < rows.length; begin += headBlock) {
    const block = rows.slice(begin, begin + headBlock);
    const asked = targets.flatMap(({ row, token }, t) => {
      const place = places.get(row)! - begin;
      return place >= 0 && place < block.length ? [{ t, place, token }] : [];
    });
    const { logits, sums, best } = tidyValue(() => headScores(head, gatherRows(hidden, int32(block)), asked));
    requireFinite(sums);
    asked.forEach(({ t, place, token }, i) => {
      scores[t] = { logProb: logits[i]! - sums[place]!, isBest: best[place] === token };
    });
  }
  return scores;
}

/** Logits of the tokens asked for; log-sum-exp and most probable token (the first of equals) of each row [n, D]. */
function headScores(
  head: Weight,
  hidden: Tensor,
  asked: readonly { place: number; token: number }[],
): Record<'logits' | 'sums' | 'best', ArrayLike<number>> {
  const logits = linear(hidden, { weight: head }); // [n, V]
  const T = dtypeOf(logits);
  const indices = upload(Int32Array.from(asked.flatMap(({ place, token }) => [place, token])), [
    asked.length,
    2,
  ]);
  const gathered = rawOp('GatherNd', [logits, indices], { Tparams: T, Tindices: 'int32' });
  const best = rawOp('ArgMax', [logits, int32(1)], { T, Tidx: 'int32', output_type: 'int32' });
  return {
    logits: download(cast(gathered, 'float32')),
    sums: download(logSumExp(logits)),
    best: download(best),
  };
}
