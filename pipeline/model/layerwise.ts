// A model that does not fit in memory, run all the same: each layer is read from the checkpoint, every batch goes through
// it, and it is freed before the next one is read. Memory is one layer (or the embedding) and the hidden states.
import { gatherRows } from '../engine/layoutOps.ts';
import { int32 } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { batchShape, decoderLayer, embed, finalNorm } from './decoder.ts';
import { disposeLayer, type DecoderParts } from './loadDecoder.ts';

/** Token ids of sequences padded on the right, and the rows of their hidden states [B T, D] that are wanted. */
interface Batch {
  ids: Int32Array; // [B, T]
  B: number;
  T: number;
  rows: Int32Array;
}

/** @returns of each batch the hidden states of its `rows` as the head reads them, [rows, D]; free them */
export async function layerwiseHiddenStates(
  parts: DecoderParts,
  batches: readonly Batch[],
): Promise<Tensor[]> {
  const embedding = await parts.embedding();
  let states = batches.map(({ ids }) => embed({ embedding }, ids));
  embedding.values.dispose();
  const replace = (make: (x: Tensor, batch: Batch) => Tensor) => {
    states = states.map((x, b) => {
      const next = tf.tidy(() => make(x, batches[b]!));
      x.dispose();
      return next;
    });
  };
  for (let i = 0; i < parts.config.numHiddenLayers; i++) {
    const layer = await parts.layer(i);
    replace((x, batch) => decoderLayer(x, layer, parts, batchShape(parts, batch)));
    disposeLayer(layer);
  }
  const norm = await parts.finalNorm();
  replace((x, { rows }) => gatherRows(finalNorm(x, { ...parts, finalNorm: norm }), int32(rows)));
  norm.values.dispose();
  return states;
}
