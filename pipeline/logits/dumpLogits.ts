// The logits stage: the teacher reads every sample of the mix once, and its most probable tokens go into shards.
// Shards lie in a folder named by teacher and parameters, so another teacher's are neither mixed in nor destroyed;
// manifest.json names those in use. What is there already, whole and for the same teacher, is not made again: after a
// kill the run goes on, after a change of the mix only the missing samples are computed. Processes that are given a
// `share` make some of the shards each; a last run without one checks them, fills gaps and writes manifest.json.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import { fingerprint, sha256OfFile } from '../artifact/fingerprint.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import {
  planFingerprint,
  reuseFinished,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { hasTargets, tokenCount } from '../mix/batches.ts';
import { readMix, type Sample } from '../mix/tokensArrow.ts';
import type { Decoder } from '../model/decoder.ts';
import { disposeDecoder } from '../model/loadDecoder.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import { describeTeacher, loadTeacher, refuseLongSamples, type Teacher } from './describeTeacher.ts';
import { cacheFidelity } from './fidelity.ts';
import { readShards } from './logitsCache.ts';
import { temperaturesOf, type LogitsConfig } from './logitsConfig.ts';
import { logitsFormatVersion, type ShardFormat } from './logitsShard.ts';
import { measureCache, type LogitsStatistics } from './logitsStatistics.ts';
import { chunksOf, missingShards, shardsInUse, type Chunk, type PlannedShard } from './shardPlan.ts';
import { commitShard, findShards, recordName, type ShardRecord } from './shardRecords.ts';
import { sharedVocabulary } from './sharedVocabulary.ts';
import { teacherLogits } from './teacherLogits.ts';

/** Sequences that the teacher reads once more, to compare with the cache. */
const FIDELITY_SEQUENCES = 4;

const SECONDS_BETWEEN_REPORTS = 5;

/** The part of the work that one of `of` processes does, the first being 1. */
export interface Share {
  part: number;
  of: number;
}

export interface DumpOptions {
  config: LogitsConfig;
  /** Folders of the mix, of the teacher and of the cache. */
  mix: string;
  teacher: string;
  out: string;
  share?: Share | undefined;
  /** Told how far it is, and what could not be checked. */
  progress?: (line: string) => void;
}

export interface DumpResult {
  upToDate: boolean;
  /** Of the finished cache; a share has none. */
  manifest?: Manifest;
}

/** Reads `i/n` as `--shard` gives it. @throws UserError unless 1 <= i <= n. */
export function parseShare(text: string): Share {
  const [part = 0, of = 0] = /^\d+\/\d+$/.test(text) ? text.split('/').map(Number) : [];
  if (part >= 1 && part <= of) return { part, of };
  throw new UserError({
    field: '--shard',
    value: text,
    problem: 'expected i/n with 1 <= i <= n, such as 1/8',
  });
}

/**
 * Dumps the teacher's logits over a mix, or finds that they are there (then manifest.json only gets the present time).
 * @throws UserError on what the user can mend in mix, teacher and parameters.
 */
export async function dumpLogits(options: DumpOptions): Promise<DumpResult> {
  const { config, out, share, progress = () => undefined } = options;
  const mix = { folder: options.mix, ...(await readMix(options.mix)) };
  const teacher = await describeTeacher(options.teacher);
  const plan = logitsPlan(config, { mix: mix.manifest.fingerprint, teacher: teacher.fingerprint });
  const finished = await reuseFinished(out, plan);
  if (finished) return { upToDate: true, manifest: finished };
  refuseLongSamples(teacher, mix.samples);
  const format: ShardFormat = {
    vocabularySize: await sharedVocabulary(teacher, mix, progress),
    temperatures: temperaturesOf(config),
    precision: config.precision,
  };
  const key = cacheKey(config, { format, teacher });
  const job = {
    ...{ config, format, out, key, plan, progress, teacher },
    samples: mix.samples,
    chunks: chunksOf(mix.samples, config.shard_tokens),
  };
  return share ? dumpShare(job, share) : { upToDate: false, manifest: await dumpAll(job) };
}

interface Job {
  config: LogitsConfig;
  format: ShardFormat;
  out: string;
  /** Folder of the shards, in `out`. */
  key: string;
  plan: ManifestPlan;
  progress: (line: string) => void;
  teacher: Teacher;
  samples: readonly Sample[];
  chunks: readonly Chunk[];
}

function logitsPlan(config: LogitsConfig, inputs: { mix: string; teacher: string }): ManifestPlan {
  return { kind: 'logits', formatVersion: logitsFormatVersion, inputs, parameters: config };
}

/** Names what is stored of a sample; how it is computed (batches, blocks, shards) is not part of it. */
function cacheKey(
  { top_k, mass, min_k }: LogitsConfig,
  { format, teacher }: { format: ShardFormat; teacher: Teacher },
): string {
  const { vocabularySize, temperatures, precision } = format;
  return fingerprint({
    ...{ formatVersion: logitsFormatVersion, teacher: teacher.fingerprint, top_k, mass, min_k },
    ...{ vocabularySize, temperatures: [...temperatures], precision },
  }).slice(0, 16);
}

/** Makes every `of`-th shard of the plan and says which files they are. */
async function dumpShare(job: Job, { part, of }: Share): Promise<DumpResult> {
  const ofShare = new Set(job.chunks.filter((_, i) => i % of === part - 1).map(({ name }) => name));
  const missing = (await findMissing(job)).filter(({ chunk }) => ofShare.has(chunk));
  if (missing.length > 0) await withTeacher(job, (decoder) => makeShards(job, decoder, missing));
  const records = (await findShards(join(job.out, job.key))).filter(({ chunk }) => ofShare.has(chunk));
  const partial = {
    ...job.plan,
    fingerprint: planFingerprint(job.plan),
    share: `${part}/${of}`,
    files: await fileRecords(job, records),
  };
  await commitJson(join(job.out, `manifest-${part}-of-${of}.json`), partial);
  return { upToDate: missing.length === 0 };
}

async function dumpAll(job: Job): Promise<Manifest> {
  return withTeacher(job, async (decoder) => {
    await makeShards(job, decoder, await findMissing(job));
    const records = shardsInUse(job.chunks, await findShards(join(job.out, job.key)));
    const statistics = await measure(job, decoder, records);
    const files = await fileRecords(job, records);
    const manifest = await writeManifest(job.out, job.plan, { statistics, files });
    for (const name of await readdir(job.out))
      if (/^manifest-\d+-of-\d+\.json$/.test(name)) await rm(join(job.out, name));
    return manifest;
  });
}

async function findMissing({ chunks, out, key }: Job): Promise<PlannedShard[]> {
  return missingShards(chunks, await findShards(join(out, key)));
}

async function withTeacher<T>({ teacher }: Job, use: (decoder: Decoder) => Promise<T>): Promise<T> {
  const decoder = await loadTeacher(teacher);
  try {
    return await use(decoder);
  } finally {
    disposeDecoder(decoder);
  }
}

/** Computes shard after shard; one is being written while the next is computed. */
async function makeShards(job: Job, decoder: Decoder, planned: readonly PlannedShard[]): Promise<void> {
  const { config, format, progress } = job;
  const options = {
    ...{ topK: config.top_k, mass: config.mass, minK: config.min_k },
    ...{ batchTokens: config.batch_tokens, headBlock: config.head_block },
    vocabularySize: format.vocabularySize,
    temperatures: format.temperatures,
  };
  const all = planned.flatMap(({ samples }) => samples).filter(hasTargets);
  const done = sampleProgress(all, progress);
  let written = Promise.resolve();
  try {
    for (const { chunk, samples } of planned) {
      const logits = await teacherLogits(decoder, samples, options, done);
      await written;
      written = commitShard(join(job.out, job.key), chunk, logits, format);
      written.catch(() => undefined); // it is thrown where it is awaited
    }
  } finally {
    await written;
  }
}

async function measure(
  { samples, out, key, format, config }: Job,
  decoder: Decoder,
  records: readonly ShardRecord[],
): Promise<LogitsStatistics> {
  const cache = readShards(
    records.map((record) => ({ folder: join(out, key), record })),
    format.temperatures,
  );
  try {
    const sequences = samples.filter(hasTargets).slice(0, FIDELITY_SEQUENCES);
    const head = { vocabularySize: format.vocabularySize, headBlock: config.head_block };
    return {
      vocabulary_size: format.vocabularySize,
      temperatures: [...format.temperatures],
      ...(await measureCache(samples, cache, format)),
      fidelity: await cacheFidelity(decoder, sequences, cache, head),
    };
  } finally {
    await cache.close();
  }
}

/** Told of each batch done, says how far it is: every few seconds and at the end. */
function sampleProgress(all: readonly Sample[], report: (line: string) => void) {
  const total = tokenCount(all);
  const pace = progressMeter({ unit: 'tokens', total });
  let [samples, tokens, reported] = [0, 0, performance.now()];
  return (batch: readonly Sample[]) => {
    samples += batch.length;
    tokens += tokenCount(batch);
    const line = `${samples}/${all.length} samples, ${pace(tokenCount(batch))}`;
    if (tokens < total && performance.now() - reported < 1000 * SECONDS_BETWEEN_REPORTS) return;
    reported = performance.now();
    report(line);
  };
}

/** The shards and their records as a manifest lists them. */
async function fileRecords({ out, key }: Job, records: readonly ShardRecord[]): Promise<FileRecord[]> {
  const files: FileRecord[] = [];
  for (const { chunk, shard } of records) {
    const file = `${key}/${recordName(chunk)}`;
    const path = join(out, file);
    files.push({ ...shard, file: `${key}/${shard.file}` });
    files.push({ file, bytes: (await stat(path)).size, sha256: await sha256OfFile(path) });
  }
  return files;
}
