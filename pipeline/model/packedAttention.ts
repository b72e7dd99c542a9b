// Attention among samples that lie one after the other without padding, each seeing itself alone from position 0 on.
// Samples of similar length are laid side by side as a padded rectangle for the attention itself, a tenth of a layer's
// work; everything else runs on the bare tokens. So there is no mask, no product between two samples, and the number
// of ops follows from the range of lengths, not from how many samples there are.
import { concat, gatherRows, reshape, slice } from '../engine/layoutOps.ts';
import { dtypeOf, int32, rawOp, upload } from '../engine/rawOp.ts';
import { withGradient } from '../engine/tape.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { causalAttention, causalAttentionGradient } from './causalAttention.ts';
import type { ModelConfig } from './modelConfig.ts';
import { rotaryTables, type RotaryTables } from './rotaryEmbedding.ts';

/** A shorter sample than this part of a group's longest starts a group of its own: attention's work is its square. */
const SIMILAR = 0.9;

/** Consecutive samples of a batch as a rectangle [B, T]. */
export interface AttentionGroup {
  begin: number; // of the N tokens of the batch, the group's first
  B: number;
  T: number;
  rotary: RotaryTables; // of T positions
  /** Where each token lies among the B T places, int32 [n, 1]; absent when the group fills them in order. */
  places?: Tensor;
}

/** The groups of a batch of samples of these lengths, best in falling order. */
export function attentionGroups(
  config: Pick<ModelConfig, 'rope' | 'headDim'>,
  lengths: readonly number[],
): AttentionGroup[] {
  let begin = 0;
  return similarRuns(lengths).map((run) => {
    const [B, T] = [run.length, run[0]!];
    const count = run.reduce((sum, length) => sum + length, 0);
    const group = { begin, B, T, rotary: rotaryTables({ ...config, length: T }) };
    begin += count;
    return count === B * T ? group : { ...group, places: placesOf(run) };
  });
}

/**
 * Rotary embedding and attention of each sample by itself.
 * @param heads [N, (H + 2 KV) hd]: queries, keys and values side by side
 * @returns [N, H hd] in the dtype of the heads
 */
export function packedAttention(
  heads: Tensor,
  { groups, headDim, queryHeads }: { groups: AttentionGroup[]; headDim: number; queryHeads: number },
): Tensor {
  return withGradient(
    [heads],
    () => ({
      value: overGroups((group) => {
        const inGroup = toRectangle(heads, group, headDim);
        return causalAttention(inGroup, { queryHeads, rotary: group.rotary });
      }),
      saved: [heads] as [Tensor],
    }),
    (dO, [heads]) => [
      overGroups((group) => {
        const [inGroup, dOut] = [heads, dO].map((x) => toRectangle(x, group, headDim));
        return causalAttentionGradient(inGroup!, dOut!, { queryHeads, rotary: group.rotary });
      }),
    ],
  );

  function overGroups(compute: (group: AttentionGroup) => Tensor): Tensor {
    const parts = groups.map((group) => tf.tidy(() => fromRectangle(compute(group), group)));
    return concat(parts, 0);
  }
}

/** Runs of lengths within `SIMILAR` of their first, which is their longest. */
function similarRuns(lengths: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const length of lengths) {
    const run = runs.at(-1);
    if (run && length <= run[0]! && length >= SIMILAR * run[0]!) run.push(length);
    else runs.push([length]);
  }
  return runs;
}

function placesOf(lengths: readonly number[]): Tensor {
  const T = lengths[0]!;
  const places = lengths.flatMap((length, b) => Array.from({ length }, (_, t) => b * T + t));
  return upload(Int32Array.from(places), [places.length, 1]);
}

/** The group's tokens of x [N, H hd] as [B, T, H, hd], zero where there are none. */
function toRectangle(x: Tensor, { begin, B, T, places }: AttentionGroup, headDim: number): Tensor {
  return tf.tidy(() => {
    const tokens = slice(x, [begin, 0], [places?.shape[0] ?? B * T, -1]);
    const shape = int32([B * T, x.shape[1]!]);
    const attributes = { T: dtypeOf(x), Tindices: 'int32' } as const;
    const padded = places ? rawOp('ScatterNd', [places, tokens, shape], attributes) : tokens;
    return reshape(padded, [B, T, -1, headDim]);
  });
}

/** The tokens of [B, T, H, hd] without the padding, [n, H hd]. */
function fromRectangle(x: Tensor, { B, T, places }: AttentionGroup): Tensor {
  return tf.tidy(() => {
    const all = reshape(x, [B * T, -1]);
    return places ? reshape(gatherRows(all, places), [places.shape[0], -1]) : all;
  });
}
