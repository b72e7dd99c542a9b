// How small a cache can be, and what that costs: bytes a token (file size over loss positions) of real shards under
// several parameters, and how far the distributions read back from them are from the teacher's, which are those of the
// same pass. Beside them DistillKit's layout, from its formula. Two divergences, in nats a token:
// - bucket: KL(live || cache), all tokens not kept taken as one outcome. It is what rounding costs, whatever k is.
// - even: KL(live || cache) over the whole vocabulary, the tail mass spread evenly over the tokens not kept. It also
//   counts what leaving tokens out costs.
//   node --import tsx test/bench/cacheSizes.ts --model DIR --texts FILE.jsonl [--samples 500]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { divergenceFrom } from '../../pipeline/logits/divergences.ts';
import { joinPositions, keptTokens } from '../../pipeline/logits/keptTokens.ts';
import { readShards, type CachedSample } from '../../pipeline/logits/logitsCache.ts';
import { logitsConfig, type LogitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import type { SampleLogits, ShardFormat } from '../../pipeline/logits/shardColumns.ts';
import { commitShard, findShards } from '../../pipeline/logits/shardRecords.ts';
import { teacherLogits } from '../../pipeline/logits/teacherLogits.ts';
import type { TopTokens } from '../../pipeline/logits/topTokens.ts';
import { readRows } from '../../pipeline/mix/readRows.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { sampleEncoder } from '../../pipeline/mix/trainingSample.ts';
import { loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { reportErrors } from '../../pipeline/terminal/stageCommand.ts';
import { textTable } from '../../pipeline/terminal/textTable.ts';
import { approximator, bytesPerToken, PRESETS } from './distillKit.ts';

/** Tokens that the pass keeps, from which every other choice is cut. */
const MOST = 1024;

const DRAWS = 50;

/** What is kept, as logits.yaml says it; the second is the stage's default, the last but one the embedded recipe's. */
const CHOICES: Partial<LogitsConfig>[] = [
  { mass: 0.99 },
  { mass: 0.999 },
  { mass: 1, top_k: 64 },
  { mass: 1, top_k: 128 },
  { mass: 0.95, top_k: 64 },
  { min_probability: 2e-3, min_k: 1 },
  { min_probability: 2e-4 },
  { min_probability: 8e-5, top_k: MOST },
];

/** One way to store distributions. */
interface Figures {
  name: string;
  meanK: number;
  bytes: number;
  bucket: number;
  even: number;
}

await reportErrors('cacheSizes', async () => {
  const given = await yargs(hideBin(process.argv))
    .options({
      model: { type: 'string', demandOption: true, describe: 'model folder of the teacher' },
      texts: { type: 'string', demandOption: true, describe: 'rows with the fields below' },
      samples: { default: 500, describe: 'rows to take, from the first' },
      prompt: { default: 'question', describe: 'field with what the user asks' },
      response: { default: 'answer', describe: 'field with the answer, whose tokens are measured' },
    })
    .strict()
    .parseAsync();
  const scratch = await mkdtemp(join(tmpdir(), 'redistill-cache-sizes-'));
  try {
    const live = await readTeacher(given.model, await readSamples(given));
    const ours: Figures[] = [];
    for (const choice of CHOICES)
      for (const precision of ['float16', 'uint8'] as const)
        ours.push(await measureChoice({ ...choice, precision }, live, scratch));
    const theirs = Object.entries(PRESETS).map(([name]) => measurePreset(name, live));
    const drawn = await measureDraws(live, scratch);
    printTable([...ours, drawn, ...theirs]);
    theirs.forEach((preset) => printComparison(ours, preset));
  } finally {
    await rm(scratch, { recursive: true });
  }
});

interface Texts {
  model: string;
  texts: string;
  samples: number;
  prompt: string;
  response: string;
}

async function readSamples({ model, texts, samples: count, prompt, response }: Texts): Promise<Sample[]> {
  const tokenizer = await loadTokenizer(model);
  const rules = {
    max_tokens: 4096,
    overlength: 'drop',
    min_response_tokens: 1,
    loss_on: 'response',
  } as const;
  const encode = await sampleEncoder(tokenizer, rules);
  const rows: Record<string, unknown>[] = [];
  for await (const batch of readRows(texts)) if (rows.push(...batch) >= count) break;
  const encoded = await encode(
    rows.slice(0, count).map((row) => ({
      prompt: tokenizer.renderChat([{ role: 'user', content: row[prompt] as string }], {
        addGenerationPrompt: true,
      }),
      response: row[response] as string,
    })),
  );
  return encoded.flatMap((one) =>
    'id' in one ? [{ ...one, source: 'texts', split: 'train' as const }] : [],
  );
}

/** The teacher at every position. */
interface Live {
  vocabularySize: number;
  positions: number;
  /** Its most probable tokens, and as draws with the entropy of the whole distribution; sample by sample. */
  top: SampleLogits[];
  drawn: SampleLogits[];
}

async function readTeacher(folder: string, samples: readonly Sample[]): Promise<Live> {
  const decoder = await loadDecoder(folder, { dtype: 'bfloat16' });
  const vocabularySize = decoder.config.vocabSize;
  const options = {
    ...{ topK: MOST, minK: MOST, mass: 1, vocabularySize, temperatures: [1] },
    ...{ batchTokens: 8192, headBlock: 512 },
  };
  const top = await teacherLogits(decoder, samples, options);
  const drawn = await teacherLogits(decoder, samples, { ...options, draws: DRAWS });
  const positions = top.reduce((sum, { counts }) => sum + counts.length, 0);
  console.error(
    `cacheSizes: ${samples.length} samples, ${positions} positions, vocabulary ${vocabularySize}`,
  );
  return { vocabularySize, positions, top, drawn };
}

async function measureChoice(choice: Partial<LogitsConfig>, live: Live, scratch: string): Promise<Figures> {
  const config = logitsConfig.parse(choice);
  const kept = live.top.map((sample) => cut(sample, config));
  const name = JSON.stringify(choice).replaceAll('"', '').slice(1, -1);
  const format = { vocabularySize: live.vocabularySize, temperatures: [1], precision: config.precision };
  const { bytes, cached } = await throughDisk(kept, format, join(scratch, name));
  const found = cached.map((sample) => positionsOf(sample, sample.logTailMass));
  return { name, bytes: bytes / live.positions, ...compare(kept, live, (_, s, p) => found[s]![p]!) };
}

/** DistillKit stores no tail mass; it is given the exact one. */
function measurePreset(preset: string, live: Live): Figures {
  const layout = PRESETS[preset]!;
  const approximate = approximator(layout);
  const kept = live.top.map((sample) => cut(sample, logitsConfig.parse({ mass: 1, top_k: layout.k })));
  const figures = compare(kept, live, ({ logProbs, logTailMass }) => ({
    ...{ logProbs: Float32Array.from(approximate(logProbs)), logTailMass },
  }));
  return { name: `DistillKit, ${preset}`, bytes: bytesPerToken(layout, live.vocabularySize), ...figures };
}

async function measureDraws({ vocabularySize, positions, drawn }: Live, scratch: string): Promise<Figures> {
  const format = { vocabularySize, temperatures: [1], precision: 'uint8', draws: DRAWS } as const;
  const { bytes } = await throughDisk(drawn, format, join(scratch, 'draws'));
  const tokens = drawn.reduce((sum, { ids }) => sum + ids.length, 0);
  const name = `method:sample,draws:${DRAWS}`;
  return { name, meanK: tokens / positions, bytes: bytes / positions, bucket: NaN, even: NaN };
}

/** Divergences of what is read back of each position from what was kept of it. */
function compare(
  kept: readonly SampleLogits[],
  { vocabularySize, positions, drawn }: Live,
  readBack: (exact: Position, sample: number, position: number) => Position,
): Pick<Figures, 'meanK' | 'bucket' | 'even'> {
  let [bucket, lost, tokens] = [0, 0, 0];
  for (const [s, sample] of kept.entries())
    positionsOf(sample, sample.atTemperature[0]!.logTailMass).forEach((exact, p) => {
      bucket += divergenceFrom(exact.logProbs, readBack(exact, s, p));
      lost += lostInTail(exact, drawn[s]!.entropy![p]!, vocabularySize);
      tokens += exact.logProbs.length;
    });
  return { meanK: tokens / positions, bucket: bucket / positions, even: (bucket + lost) / positions };
}

/** What a position keeps under `config`, of the many tokens there are. */
function cut({ id, ids, logProbs, counts, atTemperature }: SampleLogits, config: LogitsConfig): SampleLogits {
  const [P, K] = [counts.length, Math.min(config.top_k, MOST)];
  const { logSumExp, logTailMass } = atTemperature[0]!;
  const top: TopTokens = {
    ...{ n: P, K, ids: new Int32Array(P * K), logits: new Float32Array(P * K) },
    atTemperature: [{ firstProbability: new Float32Array(P), outside: new Float32Array(P) }],
  };
  for (let p = 0; p < P; p++) {
    top.ids.set(ids.subarray(p * MOST, p * MOST + K), p * K);
    const own = logProbs.subarray(p * MOST, (p + 1) * MOST);
    own.subarray(0, K).forEach((value, i) => (top.logits[p * K + i] = value + logSumExp[p]!));
    top.atTemperature[0]!.firstProbability[p] = Math.exp(own[0]!);
    top.atTemperature[0]!.outside[p] = own
      .subarray(K)
      .reduce((sum, value) => sum + Math.exp(value), Math.exp(logTailMass[p]!));
  }
  const { mass, min_k: minK, min_probability: minProbability } = config;
  return joinPositions(
    id,
    Array.from({ length: P }, (_, p) => keptTokens(top, p, [1], { mass, minK, minProbability })!),
    1,
  );
}

/** Size of a shard of the samples, and what is read back from it. */
async function throughDisk(
  samples: readonly SampleLogits[],
  format: ShardFormat,
  folder: string,
): Promise<{ bytes: number; cached: CachedSample[] }> {
  await commitShard(folder, '0', samples, format);
  const shards = (await findShards(folder)).map((record) => ({ folder, record }));
  const cache = readShards(shards, [1]);
  const cached: CachedSample[] = [];
  for (const { id } of samples) cached.push(await cache.read(id));
  await cache.close();
  return { bytes: shards[0]!.record.shard.bytes, cached };
}

interface Position {
  logProbs: Float32Array;
  logTailMass: number;
}

function positionsOf(
  { counts, logProbs }: Pick<SampleLogits, 'counts' | 'logProbs'>,
  logTailMass: Float32Array,
): Position[] {
  let end = 0;
  return Array.from(counts, (k, p) => ({
    logProbs: logProbs.subarray(end, (end += k)),
    logTailMass: logTailMass[p]!,
  }));
}

/** KL of the tail from an even one of the same mass m: Σ p log p - m log m + m log(V - k), the sum over the tail. */
function lostInTail({ logProbs, logTailMass }: Position, entropy: number, V: number): number {
  const m = Math.exp(logTailMass);
  const kept = logProbs.reduce((sum, log) => sum + Math.exp(log) * log, 0);
  return m === 0 ? 0 : Math.max(0, -entropy - kept - m * logTailMass + m * Math.log(V - logProbs.length));
}

function printTable(figures: readonly Figures[]): void {
  const shown = (value: number) => (Number.isNaN(value) ? '-' : value.toExponential(2));
  const rows = figures.map(({ name, meanK, bytes, bucket, even }) => [
    ...[name, meanK.toFixed(1), bytes.toFixed(1), shown(bucket), shown(even)],
  ]);
  console.log(textTable([['kept', 'mean k', 'bytes/token', 'KL bucket', 'KL even'], ...rows]));
}

/** The smallest of ours that is at least as true, by either divergence. */
function printComparison(ours: readonly Figures[], theirs: Figures): void {
  for (const divergence of ['bucket', 'even'] as const) {
    const asTrue = ours.filter((one) => one[divergence] <= theirs[divergence]);
    const [best] = asTrue.sort((a, b) => a.bytes - b.bytes);
    const [a, b] = [best?.bytes ?? NaN, theirs.bytes];
    const name = `cache_${theirs.name.replaceAll(/\W+/g, '_').toLowerCase()}_${divergence}`;
    console.log(
      `bench ${name} ours ${a.toFixed(1)} theirs ${b.toFixed(1)} bytes/token ratio ${(a / b).toFixed(2)}`,
    );
  }
}
