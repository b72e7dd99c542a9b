// How true a cache is, from a few sequences of each source that the teacher reads once more:
// - KL(live || cache): what rounding, and another batch around a sequence, cost. The tokens not kept count as one
//   outcome; what the single tokens of the tail would have said is not in it (see the tail mass for that).
// - KL(original || teacher) over the whole vocabulary and the share of positions where both find the same token most
//   probable: what quantization cost. The original is run layer by layer, as it may be too large for this machine.
import { gatherRows, slice } from '../engine/layoutOps.ts';
import type { Weight } from '../engine/linear.ts';
import { int32 } from '../engine/rawOp.ts';
import { tf, type Tensor } from '../engine/tensorflow.ts';
import { batchesByLength, hasTargets, lossPositions, paddedBatch, type TokenBatch } from '../mix/batches.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { batchShape, hiddenStates, logitsOf, type Decoder } from '../model/decoder.ts';
import { layerwiseHiddenStates } from '../model/layerwise.ts';
import { disposeWeight, openDecoder } from '../model/loadDecoder.ts';
import { divergencesBetween, divergencesFromCache, type CachedPosition } from './divergences.ts';
import type { LogitsReader } from './logitsCache.ts';

/** Means over the tokens, in nats but for the agreement, which is from 0 to 1. What was not measured is not there. */
export type Fidelity = {
  sequences: number;
  tokens: number;
  kl_live_cache?: number;
  kl_original_teacher?: number;
  top1_agreement?: number;
};

/** Of a longer sequence only the beginning is read; what the teacher says there does not depend on the rest. */
export const fidelityTokens = 1024;

export interface FidelityOptions {
  decoder: Decoder;
  /** Absent for drawn tokens, which are right on average only. */
  cache?: Pick<LogitsReader, 'read'> | undefined;
  /** Folder of the model that the teacher was quantized from. */
  original?: string | undefined;
  vocabularySize: number;
  batchTokens: number;
  headBlock: number;
}

/** Sequences to compare, spread over the sources: the first of each, then the second of each, and so on. */
export function fidelitySequences(samples: readonly Sample[], count: number): Sample[] {
  const bySource = new Map<string, Sample[]>();
  for (const sample of samples) {
    const ofSource = bySource.get(sample.source) ?? [];
    bySource.set(sample.source, ofSource);
    const short = beginningOf(sample);
    if (ofSource.length < count && hasTargets(short)) ofSource.push(short);
  }
  const rounds = Array.from({ length: count }, (_, i) =>
    [...bySource.values()].flatMap((ofSource) => ofSource.slice(i, i + 1)),
  );
  return rounds.flat().slice(0, count);
}

function beginningOf(sample: Sample): Sample {
  const [tokenIds, lossMask] = [
    sample.tokenIds.subarray(0, fidelityTokens),
    sample.lossMask.subarray(0, fidelityTokens),
  ];
  return { ...sample, tokenIds, lossMask };
}

/** The figures of each source, and of all as `total`. */
export async function measureFidelity(
  sequences: readonly Sample[],
  options: FidelityOptions,
): Promise<Record<string, Fidelity>> {
  const batches = batchesByLength(sequences, options.batchTokens);
  const padded = batches.map(paddedBatch);
  const teacher = readTeacher(options.decoder, padded);
  const original = options.original === undefined ? undefined : await readOriginal(options.original, padded);
  const found: SequenceSums[] = [];
  try {
    for (const [b, samples] of batches.entries()) {
      const cached = options.cache && (await cachedPositions(samples, options.cache));
      const figures = comparePositions(b, { teacher, original, cached }, options);
      found.push(...sumsBySequence(samples, figures));
    }
  } finally {
    tf.dispose([...teacher.states, ...(original?.states ?? [])]);
    if (original) disposeWeight(original.head);
  }
  const sources = [...new Set(sequences.map(({ source }) => source))].sort();
  const bySource = sources.map((name) => [name, meansOf(found.filter(({ source }) => source === name))]);
  return { ...(Object.fromEntries(bySource) as Record<string, Fidelity>), total: meansOf(found) };
}

/** What a model's head reads at the loss positions of each batch, [rows, D]. */
interface Reading {
  states: Tensor[];
  head: Weight;
}

function readTeacher(decoder: Decoder, batches: readonly TokenBatch[]): Reading {
  const states = batches.map(({ ids, rows, ...sizes }) =>
    tf.tidy(() => gatherRows(hiddenStates(decoder, ids, batchShape(decoder, sizes)), int32(rows))),
  );
  return { states, head: decoder.head };
}

async function readOriginal(folder: string, batches: readonly TokenBatch[]): Promise<Reading> {
  const parts = await openDecoder(folder, { dtype: 'bfloat16' });
  try {
    return { states: await layerwiseHiddenStates(parts, batches), head: await parts.head() };
  } finally {
    await parts.close();
  }
}

/** What the cache has of the samples' loss positions, sample after sample. */
async function cachedPositions(
  samples: readonly Sample[],
  cache: Pick<LogitsReader, 'read'>,
): Promise<CachedPosition[]> {
  const positions: CachedPosition[] = [];
  for (const sample of samples) {
    const { counts, ids, logProbs, logTailMass } = await cache.read(sample.id);
    let end = 0;
    for (let p = 0; p < lossPositions([sample]); p++) {
      const begin = end;
      end += counts[p]!;
      const kept = { ids: ids.subarray(begin, end), logProbs: logProbs.subarray(begin, end) };
      positions.push({ ...kept, logTailMass: logTailMass[p]! });
    }
  }
  return positions;
}

const FIGURES = ['kl_live_cache', 'kl_original_teacher', 'top1_agreement'] as const;
type Figures = Record<(typeof FIGURES)[number], number[]>;

/** The figures at each loss position of a batch; those not measured are empty. */
function comparePositions(
  batch: number,
  {
    teacher,
    original,
    cached,
  }: { teacher: Reading; original: Reading | undefined; cached: CachedPosition[] | undefined },
  { vocabularySize, headBlock }: FidelityOptions,
): Figures {
  const figures: Figures = { kl_live_cache: [], kl_original_teacher: [], top1_agreement: [] };
  const n = teacher.states[batch]!.shape[0];
  for (let start = 0; start < n; start += headBlock)
    tf.tidy(() => {
      const logitsBy = ({ states, head }: Reading) => {
        const block = slice(states[batch]!, [start, 0], [Math.min(headBlock, n - start), -1]);
        return slice(logitsOf(block, { head }), [0, 0], [-1, vocabularySize]);
      };
      const live = logitsBy(teacher);
      if (cached)
        figures.kl_live_cache.push(...divergencesFromCache(live, cached.slice(start, start + headBlock)));
      if (!original) return;
      const { kl, agreement } = divergencesBetween(logitsBy(original), live);
      figures.kl_original_teacher.push(...kl);
      figures.top1_agreement.push(...agreement);
    });
  return figures;
}

/** The figures of one sequence, each summed over its tokens. */
interface SequenceSums {
  source: string;
  tokens: number;
  sums: Partial<Record<keyof Figures, number>>;
}

function sumsBySequence(samples: readonly Sample[], figures: Figures): SequenceSums[] {
  let end = 0;
  return samples.map((sample) => {
    const tokens = lossPositions([sample]);
    const begin = end;
    end += tokens;
    const sums = FIGURES.filter((figure) => figures[figure].length > 0).map((figure) => [
      figure,
      figures[figure].slice(begin, end).reduce((sum, value) => sum + value, 0),
    ]);
    return { source: sample.source, tokens, sums: Object.fromEntries(sums) as SequenceSums['sums'] };
  });
}

function meansOf(found: readonly SequenceSums[]): Fidelity {
  const tokens = found.reduce((sum, one) => sum + one.tokens, 0);
  const measured = FIGURES.filter((figure) => found.some(({ sums }) => sums[figure] !== undefined));
  const means = measured.map((figure) => [
    figure,
    found.reduce((sum, { sums }) => sum + sums[figure]!, 0) / tokens,
  ]);
  return { sequences: found.length, tokens, ...(Object.fromEntries(means) as Partial<Fidelity>) };
}
