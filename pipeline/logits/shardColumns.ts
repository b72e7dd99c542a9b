// The columns of a shard: what each holds, in which plain Arrow type, and how a sample's values go in and come out.
// They depend on the vocabulary (bits above the 16th only where ids have them), the precision, the temperatures, and
// on whether the most probable tokens are kept or tokens are drawn.
import { Float16, Float32, Uint16, Uint8 } from 'apache-arrow';
import type { NumberList } from '../artifact/arrowFile.ts';
import { float32OfFloat16, toFloat16 } from '../model/halfPrecision.ts';
import { decodeLogProbs, encodeLogProbs } from './logProbCodes.ts';
import { highBitsOf, joinIds, lowHalves, packHighBits } from './tokenIds.ts';

/** What a shard says of itself. */
export interface ShardFormat {
  vocabularySize: number;
  /** Starts with 1. */
  temperatures: readonly number[];
  /** Of log-probabilities; tail masses and entropies are float32 or, with the other two, float16. */
  precision: 'uint8' | 'float16' | 'float32';
  /** Tokens drawn at each position; absent where the most probable ones are kept. */
  draws?: number | undefined;
}

/** The tokens of a sample with P loss positions, k of them at a position, end to end. */
export interface SampleLogits {
  id: string;
  counts: Uint16Array; // [P]
  ids: Int32Array; // [Σ k], the most probable first at each position
  /** [Σ k], at temperature 1, in descending order; of drawn tokens the log of their share of the draws. */
  logProbs: Float32Array;
  /** One for each temperature of the cache, 1 being the first. */
  atTemperature: {
    logSumExp: Float32Array; // [P], of logits / T over the whole vocabulary
    logTailMass: Float32Array; // [P], log of the probability of all tokens not kept; -Infinity for none, as for draws
  }[];
  /** [P], in nats, of the whole distribution at temperature 1; only of drawn tokens. */
  entropy?: Float32Array;
}

/** A list column. */
export interface Column {
  name: string;
  type: Uint8 | Uint16 | Float16 | Float32;
  meaning: string;
  /** How many values a sample has. */
  length: (positions: number, tokens: number) => number;
}

const ofPositions = (positions: number) => positions;
const ofTokens = (_: number, tokens: number) => tokens;

export function columnsOf(format: ShardFormat): Column[] {
  const bits = highBitsOf(format.vocabularySize);
  const high: Column = {
    ...{
      name: 'ids_high',
      type: new Uint8(),
      meaning: `bits above these, ${bits} a token, packed from the lowest up`,
    },
    length: (_, tokens) => Math.ceil((tokens * bits) / 8),
  };
  return [
    { name: 'k', type: new Uint16(), meaning: 'tokens listed at each position', length: ofPositions },
    { name: 'ids_low', type: new Uint16(), meaning: 'lower 16 bits of the token ids', length: ofTokens },
    ...(bits > 0 ? [high] : []),
    ...(format.draws === undefined ? keptColumns(format) : drawnColumns(format)),
  ];
}

function keptColumns({ temperatures, precision }: ShardFormat): Column[] {
  const meaning = 'log-probability at temperature 1; plus logsumexp it is the logit';
  const coded: Column[] = [
    {
      name: 'logprobs',
      type: new Uint8(),
      meaning: `code c of a ${meaning}: high - step c`,
      length: ofTokens,
    },
    { name: 'logprob_high', type: new Float16(), meaning: 'the high of each position', length: ofPositions },
    { name: 'logprob_step', type: new Float16(), meaning: 'the step of each position', length: ofPositions },
  ];
  const plain: Column[] = [{ name: 'logprobs', type: floatType(precision), meaning, length: ofTokens }];
  return [
    ...(precision === 'uint8' ? coded : plain),
    ...temperatures.flatMap((T): Column[] => [
      logSumExpColumn(T),
      {
        ...{ name: `log_tail_mass${suffix(T)}`, type: floatType(precision), length: ofPositions },
        meaning: `log of the probability of all tokens not listed, at temperature ${T}`,
      },
    ]),
  ];
}

function drawnColumns({ precision, draws = 0 }: ShardFormat): Column[] {
  const type = draws < 256 ? new Uint8() : new Uint16();
  return [
    { name: 'draws', type, meaning: `how often a token was drawn, of ${draws} times`, length: ofTokens },
    logSumExpColumn(1),
    {
      ...{ name: 'entropy', type: floatType(precision), length: ofPositions },
      meaning: 'of the whole distribution, in nats',
    },
  ];
}

function logSumExpColumn(T: number): Column {
  const meaning = `log-sum-exp of logits / ${T} over the vocabulary`;
  return { name: `logsumexp${suffix(T)}`, type: new Float32(), meaning, length: ofPositions };
}

function suffix(temperature: number): string {
  return temperature === 1 ? '' : `_t${temperature}`;
}

function floatType(precision: ShardFormat['precision']): Float16 | Float32 {
  return precision === 'float32' ? new Float32() : new Float16();
}

/** The values of a sample by column; float16 numbers as their bits. */
export function encodeSample(
  { counts, ids, logProbs, atTemperature, entropy }: SampleLogits,
  { vocabularySize, temperatures, precision, draws }: ShardFormat,
): Record<string, NumberList> {
  const rounded = (values: Float32Array) => (precision === 'float32' ? values : toFloat16(values));
  const values: Record<string, NumberList> = {
    k: counts,
    ids_low: lowHalves(ids),
    ids_high: packHighBits(ids, highBitsOf(vocabularySize)),
  };
  if (draws !== undefined) {
    values.draws = Uint16Array.from(logProbs, (share) => Math.round(draws * Math.exp(share)));
    values.entropy = rounded(entropy!);
  } else if (precision === 'uint8') {
    const { codes, high, step } = encodeLogProbs(logProbs, counts);
    Object.assign(values, { logprobs: codes, logprob_high: high, logprob_step: step });
  } else values.logprobs = rounded(logProbs);
  temperatures.forEach((T, t) => {
    const { logSumExp, logTailMass } = atTemperature[t]!;
    values[`logsumexp${suffix(T)}`] = logSumExp;
    values[`log_tail_mass${suffix(T)}`] = rounded(logTailMass);
  });
  return values;
}

/** @param listOf gives the values of a column, as `encodeSample` made them */
export function decodeSample(
  id: string,
  listOf: (column: string) => NumberList,
  { vocabularySize, temperatures, precision, draws }: ShardFormat,
): SampleLogits {
  const floats = (column: string) => {
    const values = listOf(column);
    return precision === 'float32' ? (values as Float32Array) : float32OfFloat16(values as Uint16Array);
  };
  const counts = listOf('k') as Uint16Array;
  const bits = highBitsOf(vocabularySize);
  const high = bits > 0 ? (listOf('ids_high') as Uint8Array) : new Uint8Array();
  const ids = joinIds(listOf('ids_low') as Uint16Array, high, bits);
  const atTemperature = temperatures.map((T) => ({
    logSumExp: listOf(`logsumexp${suffix(T)}`) as Float32Array,
    logTailMass:
      draws === undefined
        ? floats(`log_tail_mass${suffix(T)}`)
        : new Float32Array(counts.length).fill(-Infinity),
  }));
  if (draws !== undefined) {
    const logProbs = Float32Array.from(listOf('draws'), (times) => Math.log(times / draws));
    return { id, counts, ids, logProbs, atTemperature, entropy: floats('entropy') };
  }
  const codes = () => ({
    codes: listOf('logprobs') as Uint8Array,
    high: listOf('logprob_high') as Uint16Array,
    step: listOf('logprob_step') as Uint16Array,
  });
  const logProbs = precision === 'uint8' ? decodeLogProbs(codes(), counts) : floats('logprobs');
  return { id, counts, ids, logProbs, atTemperature };
}
