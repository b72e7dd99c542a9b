// The logits cache seen from Python. All shards of the run open in pyarrow and are sound; and for 100 positions k, ids,
// log-probabilities and tail mass are those of torch's top-k on our float32 logits of the same quantized teacher.
// The run's own cache was computed in bfloat16, so exact equality is asked of one that is made here in float32.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dequantizeRows, disposePacked } from '../../pipeline/engine/packedWeight.ts';
import type { Weight } from '../../pipeline/engine/linear.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { commitShard } from '../../pipeline/logits/shardRecords.ts';
import { teacherLogits } from '../../pipeline/logits/teacherLogits.ts';
import { targetPositions } from '../../pipeline/mix/batches.ts';
import { readMix, type Sample } from '../../pipeline/mix/tokensArrow.ts';
import type { Decoder, DecoderLayer } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { sequenceLogits } from './decoderLogits.ts';
import { allOf, atMost, show } from './figures.ts';
import { python, RUN, without } from './needs.ts';

interface Figures {
  files: number;
  samples: number;
  entries: number;
  faults: number;
  positions: number;
  right_k: number;
  ids: number;
  ordered_ids: number;
  shared_ids: number;
  largest_difference: { log_prob: number; log_sum_exp: number; log_tail_mass: number };
  mean_kl: number;
}

const POSITIONS = 100;
const { top_k, mass, min_k } = logitsConfig.parse({});

void t.test('the cache in pyarrow and torch', { skip: without('logits', 'python') }, async (t) => {
  const folder = t.testdir();
  const at = (name: string) => join(folder, name);
  const { samples } = await readMix(join(RUN, 'mix'));
  const cache = await openLogits(join(RUN, 'logits'));
  const vocabularySize = cache.vocabularySize;
  await cache.close();
  const decoder = await float32Teacher(join(RUN, 'teacher'));
  const chosen = samples.slice(0, 2);
  const positions = writeLiveLogits(decoder, chosen, { vocabularySize, at });

  await t.test('made in float32', async (t) => {
    const logits = await teacherLogits(decoder, chosen, {
      ...{ topK: top_k, mass, minK: min_k, vocabularySize, temperatures: [1] },
      ...{ batchTokens: 1, headBlock: 128 }, // one sample at a time, as writeLiveLogits reads them
    });
    const format = { vocabularySize, temperatures: [1], precision: 'float32' } as const;
    await commitShard(at('cache'), '0123456789abcdef', logits, format);
    const found = inspect(at('cache'), at);
    t.match(found, { files: 1, samples: chosen.length, faults: 0, positions });
    allOf(t, `float32 cache: k is the fewest tokens that reach mass ${mass}`, found.right_k, positions);
    allOf(t, `float32 cache: ids in torch's order, ${positions} positions`, found.ordered_ids, found.ids);
    const { log_prob, log_sum_exp, log_tail_mass } = found.largest_difference;
    atMost(t, 'float32 cache: largest difference of a log-probability', log_prob, 1e-5);
    atMost(t, 'float32 cache: largest difference of a log-sum-exp', log_sum_exp, 1e-5);
    atMost(t, 'float32 cache: largest difference of a log tail mass', log_tail_mass, 1e-4);
  });

  await t.test('of the run, made in bfloat16', (t) => {
    const found = inspect(join(RUN, 'logits'), at);
    show(
      `${RUN}/logits in pyarrow: ${found.files} files, ${found.samples} samples, ${found.entries} entries`,
    );
    t.match(found, { faults: 0, positions });
    t.ok(found.samples >= samples.length, 'shards of another mix may hold more samples than this one has');
    const share = found.shared_ids / found.ids;
    show(`run's cache: ${(100 * share).toFixed(1)} % of its ids are torch's top-k of the float32 logits`);
    t.ok(share > 0.95);
    atMost(t, "run's cache: mean KL(float32 teacher || cache)", found.mean_kl, 1e-2);
    t.end();
  });
  disposeDecoder(decoder);
});

/** The quantized teacher with its linear layers dequantized: in packed form it only computes in bfloat16. */
async function float32Teacher(folder: string): Promise<Decoder> {
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  for (const layer of decoder.layers)
    for (const part of Object.values(layer) as DecoderLayer[keyof DecoderLayer][])
      if ('weight' in part) part.weight = dense(part.weight);
  return decoder;
}

function dense(weight: Weight): Weight {
  if (weight.kind === 'dense') return weight;
  const values = dequantizeRows(weight, { begin: 0, end: weight.shape[0] }, 'float32');
  disposePacked(weight);
  return { kind: 'dense', values, trainable: false };
}

/** Writes the logits of the first loss positions of the samples, and which they are, for logitsCache.py. */
function writeLiveLogits(
  decoder: Decoder,
  samples: readonly Sample[],
  { vocabularySize, at }: { vocabularySize: number; at: (name: string) => string },
): number {
  const rows = samples.flatMap((sample) => {
    const logits = sequenceLogits(decoder, sample.tokenIds);
    return targetPositions(sample).map((j, position) => ({
      ...{ id: sample.id, position },
      logits: logits[j - 1]!.subarray(0, vocabularySize),
    }));
  });
  const chosen = rows.slice(0, POSITIONS);
  const positions = chosen.map(({ id, position }) => ({ id, position }));
  writeFileSync(at('positions.json'), JSON.stringify({ top_k, mass, min_k, positions }));
  writeFileSync(at('logits.f32'), Buffer.concat(chosen.map(({ logits }) => bytesOf(logits))));
  return chosen.length;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function inspect(folder: string, at: (name: string) => string): Figures {
  const args = ['test/real/logitsCache.py', folder, at('positions.json'), at('logits.f32')];
  return JSON.parse(execFileSync(python, args, { encoding: 'utf8' })) as Figures;
}
