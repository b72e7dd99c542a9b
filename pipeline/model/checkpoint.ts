// A Hugging Face model folder: config.json and its weights in one safetensors file, or in shards named by
// model.safetensors.index.json. Tensors are read one by one, so a 70B teacher never needs to fit in memory.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { FileRecord } from '../artifact/commitFile.ts';
import { fingerprint } from '../artifact/fingerprint.ts';
import { commitJson, readJsonObject } from '../artifact/jsonFile.ts';
import { findNames } from '../artifact/optionalFiles.ts';
import { rememberedSha256 } from '../artifact/rememberedSha256.ts';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { readModelConfig, type ModelConfig } from './modelConfig.ts';
import {
  byteLength,
  openSafetensors,
  writeSafetensors,
  type ElementRange,
  type SafetensorsFile,
  type Tensor,
  type TensorInfo,
  type TensorSource,
} from './safetensors.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** An open model folder; `close` it. */
export interface Checkpoint {
  folder: string;
  config: ModelConfig;
  names: () => string[];
  has: (name: string) => boolean;
  /** @throws UserError naming folder and tensor when it is missing, as are those of the readers. */
  info: (name: string) => TensorInfo;
  read: (name: string) => Promise<Tensor>;
  /** The bytes of some elements of a tensor. */
  readRange: (name: string, range: ElementRange) => Promise<Uint8Array<ArrayBuffer>>;
  close: () => Promise<void>;
}

/**
 * Opens the weights of `folder` and checks every header, and that each tensor of the index is where it says.
 * @throws UserError naming the file at fault.
 */
export async function openCheckpoint(folder: string): Promise<Checkpoint> {
  const config = await readModelConfig(folder);
  const weights = await openWeights(folder);
  return { folder, config, ...weights };
}

/** The tensors of a folder with weights, whether or not it is a model: `Checkpoint` without `config`. */
export async function openWeights(folder: string): Promise<Omit<Checkpoint, 'folder' | 'config'>> {
  const index = await readIndex(folder);
  const fileNames = index ? [...new Set(index.values())] : await singleFile(folder);
  const files = await openAll(fileNames.map((name) => join(folder, name)));
  const closeAll = async () => {
    await Promise.all(files.map((file) => file.close()));
  };
  const home = new Map(
    files.flatMap((file) => [...file.tensors.keys()].map((name) => [name, file] as const)),
  );
  const missing = [...(index ?? [])].find(([name, file]) => home.get(name)?.path !== join(folder, file));
  if (missing) {
    await closeAll();
    throw new UserError({
      file: join(folder, INDEX),
      field: missing[0],
      problem: `not in ${missing[1]}, where the index puts it`,
      remedy: 'fetch the model again',
    });
  }
  const fileOf = (name: string): SafetensorsFile => {
    const file = home.get(name);
    if (file) return file;
    throw new UserError({ file: folder, field: name, problem: 'this tensor is missing from the checkpoint' });
  };
  return {
    names: () => [...home.keys()],
    has: (name) => home.has(name),
    info: (name) => fileOf(name).tensors.get(name)!,
    read: async (name) => fileOf(name).read(name),
    readRange: async (name, range) => fileOf(name).readRange(name, range),
    close: closeAll,
  };
}

/**
 * Writes the weights of a model folder: one file, or shards of at most `maxShardBytes` (of tensors) with an index.
 * @param tensors in the order in which shards are filled; their bytes are asked for one tensor at a time.
 * @returns the records of the files written, for a manifest.
 */
export async function writeCheckpoint(
  folder: string,
  { tensors, maxShardBytes = 5e9 }: { tensors: readonly TensorSource[]; maxShardBytes?: number },
): Promise<FileRecord[]> {
  const shards = splitIntoShards(tensors, maxShardBytes);
  if (shards.length === 1) return [await writeSafetensors(join(folder, SINGLE), tensors)];
  const records: FileRecord[] = [];
  for (const [i, shard] of shards.entries())
    records.push(await writeSafetensors(join(folder, shardName(i, shards.length)), shard));
  const placed = shards.flatMap((shard, i) =>
    shard.map((tensor) => ({ ...tensor, file: shardName(i, shards.length) })),
  );
  return [...records, await commitIndex(folder, placed)];
}

/** The usual name of the file `i` (from 0) of `count` files with weights. */
export function shardName(i: number, count: number): string {
  const fiveDigits = (n: number) => String(n).padStart(5, '0');
  return `model-${fiveDigits(i + 1)}-of-${fiveDigits(count)}.safetensors`;
}

/** True for a name that `shardName` gives. */
export function isShardName(name: string): boolean {
  return /^model-\d{5}-of-\d{5}\.safetensors$/.test(name);
}

/** Commits the index of weights that lie in several files: which one holds each tensor. */
export function commitIndex(
  folder: string,
  tensors: readonly (TensorInfo & { name: string; file: string })[],
): Promise<FileRecord> {
  const sorted = [...tensors].sort((a, b) => (a.name < b.name ? -1 : 1));
  return commitJson(join(folder, INDEX), {
    metadata: { total_size: tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0) },
    weight_map: Object.fromEntries(sorted.map(({ name, file }) => [name, file])),
  });
}

/** Names the content of a model folder: a hash over the sha256 of config.json, tokenizer.json and the weight files. */
export async function modelFingerprint(folder: string): Promise<string> {
  const index = await readIndex(folder);
  const weights = index ? [...new Set(index.values())].sort() : await singleFile(folder);
  const present = new Set(await readdir(folder));
  const files = ['config.json', 'tokenizer.json', ...weights].filter((name) => present.has(name));
  const sums: Record<string, string> = {};
  for (const file of files) sums[file] = await rememberedSha256(join(folder, file));
  return fingerprint(sums);
}

const indexSchema = z.looseObject({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[^/\\]+\.safetensors$/, 'expected the name of a safetensors file beside the index'),
  ),
});

/** Tensor name -> file name, or undefined when the folder has no index. */
async function readIndex(folder: string): Promise<Map<string, string> | undefined> {
  const file = join(folder, INDEX);
  const raw = await readJsonObject(file);
  return raw && new Map(Object.entries(validate(indexSchema, raw, () => file).weight_map));
}

async function singleFile(folder: string): Promise<string[]> {
  const present = await findNames(folder);
  if (!present) throw new UserError({ file: folder, problem: 'no such folder' });
  if (present.includes(SINGLE)) return [SINGLE];
  const pickled = present.find((name) => /^pytorch_model.*\.bin$/.test(name));
  throw new UserError({
    file: join(folder, SINGLE),
    problem: pickled ? `missing: the weights are in ${pickled}, which is not read` : 'no such file',
    remedy: pickled ? 'convert them to safetensors' : 'name a folder with a Hugging Face checkpoint',
  });
}

async function openAll(paths: string[]): Promise<SafetensorsFile[]> {
  const results = await Promise.allSettled(paths.map((path) => openSafetensors(path)));
  const failure = results.find((result) => result.status === 'rejected');
  const files = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (!failure) return files;
  await Promise.all(files.map((file) => file.close()));
  throw failure.reason;
}

function splitIntoShards(tensors: readonly TensorSource[], maxShardBytes: number): TensorSource[][] {
  const shards: TensorSource[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const size = byteLength(tensor);
    if (bytes > 0 && bytes + size > maxShardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += size;
  }
  return shards;
}
