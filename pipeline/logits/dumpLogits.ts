// The logits stage: the teacher reads every sample of the mix once, and its most probable tokens go into shards.
// Shards lie in a folder named by teacher and parameters, so another teacher's are neither mixed in nor destroyed;
// manifest.json names those in use. What is there already, whole and for the same teacher, is not made again: after a
// kill the run goes on, after a change of the mix only the missing samples are computed. Processes that are given a
// `share` make some of the shards each; a last run without one checks them, fills gaps and writes manifest.json. A shard is
// locked while it is made, so no two processes, here or on other machines, work on the same one.
import { stat } from 'node:fs/promises';
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
import { removeLocks } from '../artifact/workLock.ts';
import { readMix, type Sample } from '../mix/tokensArrow.ts';
import type { Decoder } from '../model/decoder.ts';
import { disposeDecoder } from '../model/loadDecoder.ts';
import { weightBytes } from '../model/weightBytes.ts';
import { requireMemory } from '../plan/requireMemory.ts';
import { logitsMemory } from '../plan/stageMemory.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { lockCache } from './cacheLock.ts';
import {
  describeTeacher,
  loadTeacher,
  originalOf,
  refuseLongSamples,
  type Original,
  type Teacher,
} from './describeTeacher.ts';
import { keptBy, temperaturesOf, type LogitsConfig } from './logitsConfig.ts';
import { logitsFormatVersion } from './logitsShard.ts';
import { makeShards, type ShardWork } from './makeShards.ts';
import { measureLogits } from './measureLogits.ts';
import type { ShardFormat } from './shardColumns.ts';
import { chunksOf, missingShards, shardsInUse, type Chunk, type PlannedShard } from './shardPlan.ts';
import { findShards, recordName, type ShardRecord } from './shardRecords.ts';
import { partOf, removeShareManifests, shareManifest, type Share } from './share.ts';
import { sharedVocabulary } from './sharedVocabulary.ts';

export interface DumpOptions {
  config: LogitsConfig;
  /** Folders of the mix, of the teacher and of the cache. */
  mix: string;
  teacher: string;
  out: string;
  share?: Share | undefined;
  /** Folder of the model that the teacher was quantized from, to compare with. */
  original?: string | undefined;
  /** Told how far it is, and what could not be checked. */
  progress?: Progress;
  free?: ShardWork['free'];
}

export interface DumpResult {
  upToDate: boolean;
  /** Of the finished cache; a share has none. */
  manifest?: Manifest;
}

/** What of the work is still to be done in shares. */
export interface PendingShares {
  /** The cache is finished as planned. */
  upToDate: boolean;
  /** The parts that lack shards, in order; none when only the run that finishes the whole is left to do. */
  parts: number[];
}

/**
 * Dumps the teacher's logits over a mix, or finds that they are there (then manifest.json only gets the present time).
 * @throws UserError on what the user can mend in mix, teacher and parameters.
 */
export async function dumpLogits(options: DumpOptions): Promise<DumpResult> {
  const work = await prepare(options);
  if ('finished' in work) return { upToDate: true, manifest: work.finished };
  return options.share ? dumpShare(work, options.share) : { upToDate: false, manifest: await dumpAll(work) };
}

/** Says which of `of` shares lack shards, for who starts them; computes nothing, and throws what `dumpLogits` would. */
export async function pendingShares(options: DumpOptions, of: number): Promise<PendingShares> {
  const work = await prepare(options);
  if ('finished' in work) return { upToDate: true, parts: [] };
  const missing = new Set((await findMissing(work)).map(({ chunk }) => chunk));
  const parts = work.chunks.flatMap(({ name }, i) => (missing.has(name) ? [partOf(i, of)] : []));
  return { upToDate: false, parts: [...new Set(parts)].sort((a, b) => a - b) };
}

/** The finished cache, or all that is known of the work on it before the teacher is loaded. */
async function prepare(options: DumpOptions): Promise<Job | { finished: Manifest }> {
  const { config, out, progress = () => undefined } = options;
  const mix = { folder: options.mix, ...(await readMix(options.mix)) };
  const teacher = await describeTeacher(options.teacher);
  const plan = logitsPlan(config, { mix: mix.manifest.fingerprint, teacher: teacher.fingerprint });
  const finished = await reuseFinished(out, plan);
  if (finished) return { finished };
  refuseLongSamples(teacher, mix.samples);
  const format: ShardFormat = {
    vocabularySize: await sharedVocabulary(teacher, mix, progress),
    temperatures: temperaturesOf(config),
    precision: config.precision,
    draws: config.method === 'sample' ? config.draws : undefined,
  };
  const key = cacheKey(config, { format, teacher });
  return {
    ...{ config, format, out, key, plan, progress, teacher, free: options.free },
    original: await originalOf(teacher, options.original),
    samples: mix.samples,
    chunks: chunksOf(mix.samples, config.shard_tokens),
  };
}

interface Job {
  config: LogitsConfig;
  format: ShardFormat;
  out: string;
  /** Folder of the shards, in `out`. */
  key: string;
  plan: ManifestPlan;
  progress: Progress;
  teacher: Teacher;
  original: Original;
  free: ShardWork['free'];
  samples: readonly Sample[];
  chunks: readonly Chunk[];
}

function logitsPlan(config: LogitsConfig, inputs: { mix: string; teacher: string }): ManifestPlan {
  const parameters = { ...config };
  delete parameters.slurm; // where it is computed is no part of what is made
  return { kind: 'logits', formatVersion: logitsFormatVersion, inputs, parameters };
}

/** Names what is stored of a sample; how it is computed (batches, blocks, shards) is not part of it. */
function cacheKey(
  config: LogitsConfig,
  { format, teacher }: { format: ShardFormat; teacher: Teacher },
): string {
  const { vocabularySize, temperatures, precision } = format;
  return fingerprint({
    ...{ formatVersion: logitsFormatVersion, teacher: teacher.fingerprint, ...keptBy(config) },
    ...{ vocabularySize, temperatures: [...temperatures], precision },
  }).slice(0, 16);
}

/** Makes every `of`-th shard of the plan and says which files they are. */
async function dumpShare(job: Job, share: Share): Promise<DumpResult> {
  const { part, of } = share;
  const ofShare = new Set(job.chunks.filter((_, i) => partOf(i, of) === part).map(({ name }) => name));
  const find = () => findShards(join(job.out, job.key), (chunk) => ofShare.has(chunk));
  const missing = missingShards(job.chunks, await find()).filter(({ chunk }) => ofShare.has(chunk));
  if (missing.length > 0) await withTeacher(job, (decoder) => makeShards(shardWork(job), decoder, missing));
  const records = (await find()).filter(({ chunk }) => ofShare.has(chunk));
  const partial = {
    ...job.plan,
    fingerprint: planFingerprint(job.plan),
    share: `${part}/${of}`,
    files: await fileRecords(job, records),
  };
  await commitJson(join(job.out, shareManifest(share)), partial);
  return { upToDate: missing.length === 0 };
}

async function dumpAll(job: Job): Promise<Manifest> {
  const lock = await lockCache(job.out, { notice: job.progress });
  try {
    return await finishCache(job);
  } finally {
    await lock.release();
  }
}

async function finishCache(job: Job): Promise<Manifest> {
  return withTeacher(job, async (decoder) => {
    await makeShards(shardWork(job), decoder, await findMissing(job));
    const records = shardsInUse(job.chunks, await findShards(join(job.out, job.key)));
    const statistics = await measureLogits({ ...job, folder: join(job.out, job.key), decoder }, records);
    const files = await fileRecords(job, records);
    const manifest = await writeManifest(job.out, job.plan, { statistics, files });
    await removeShareManifests(job.out);
    await removeLocks(join(job.out, job.key), new Set(job.chunks.map(({ name }) => `shard-${name}`)));
    return manifest;
  });
}

async function findMissing({ chunks, out, key }: Job): Promise<PlannedShard[]> {
  return missingShards(chunks, await findShards(join(out, key)));
}

function shardWork({ config, format, out, key, progress, free }: Job): ShardWork {
  return { config, format, folder: join(out, key), progress, free };
}

async function withTeacher<T>(
  { teacher, config, progress }: Job,
  use: (decoder: Decoder) => Promise<T>,
): Promise<T> {
  const weights = await weightBytes(teacher.folder, { dtype: 'bfloat16' });
  await requireMemory(logitsMemory(teacher.config, config, weights), { ...LESS, progress });
  const decoder = await loadTeacher(teacher);
  try {
    return await use(decoder);
  } finally {
    disposeDecoder(decoder);
  }
}

/** What helps against too little memory. */
const LESS = {
  remedy: 'set fewer bits in teacher.yaml, or a lower batch_tokens and head_block in logits.yaml',
};

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
