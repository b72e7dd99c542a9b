// The teacher of a logits cache: the quantized one of the stage `teacher`, or any checkpoint, unquantized in bfloat16.
// Its fingerprint names it in the cache.
import { join } from 'node:path';
import { findManifest, readManifest, verifyFile, type Manifest } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import { modelFingerprint } from '../model/checkpoint.ts';
import type { Decoder } from '../model/decoder.ts';
import { loadDecoder } from '../model/loadDecoder.ts';
import { readModelConfig, type ModelConfig } from '../model/modelConfig.ts';
import { TEACHER_FORMAT_VERSION } from '../teacher/makeTeacher.ts';

/** A teacher that is not loaded yet. */
export interface Teacher {
  folder: string;
  fingerprint: string;
  config: ModelConfig;
  /** Of the stage `teacher`; a plain checkpoint has none. */
  manifest: Manifest | undefined;
}

/** @throws UserError when the folder is no model or the stage `teacher` did not finish it. */
export async function describeTeacher(folder: string): Promise<Teacher> {
  const kind = 'teacher';
  const expected = { kind, formatVersion: TEACHER_FORMAT_VERSION, command: 'make teacher' } as const;
  const isQuantized = (await findManifest(folder))?.kind === kind;
  const manifest = isQuantized ? await readManifest(folder, expected) : undefined;
  const fingerprint = manifest?.fingerprint ?? (await modelFingerprint(folder));
  return { folder, fingerprint, config: await readModelConfig(folder), manifest };
}

/** Loads the teacher, the files of a quantized one checked first. */
export async function loadTeacher({ folder, manifest }: Teacher): Promise<Decoder> {
  for (const file of manifest?.files ?? []) await verifyFile(folder, file, 'make teacher');
  return loadDecoder(folder, { dtype: 'bfloat16' });
}

/** Refuses samples longer than the positions the teacher was made for. */
export function refuseLongSamples({ folder, config }: Teacher, samples: readonly Sample[]): void {
  const limit = config.maxPositionEmbeddings;
  const long = samples.find(({ tokenIds }) => tokenIds.length > limit);
  if (long)
    throw new UserError({
      file: join(folder, 'config.json'),
      field: 'max_position_embeddings',
      value: limit,
      problem: `sample ${long.id} has ${long.tokenIds.length} tokens`,
      remedy: `set max_tokens in mix.yaml to ${limit} or less`,
    });
}

/** The model to measure a quantized teacher by, or why there is none. */
export type Original = { folder: string; absent?: undefined } | { folder?: undefined; absent: string };

/** @throws UserError when the teacher was quantized from another model. */
export async function originalOf(
  { manifest, folder: teacher }: Teacher,
  folder: string | undefined,
): Promise<Original> {
  if (!manifest) return { absent: `${teacher} is not quantized: there is no original to compare it with` };
  if (folder === undefined)
    return {
      absent: 'without --original the quantized teacher is not compared with the model it was made from',
    };
  const found = await modelFingerprint(folder);
  if (found === manifest.inputs.model) return { folder };
  throw new UserError({
    file: folder,
    field: 'fingerprint',
    value: found,
    problem: `${teacher} was quantized from ${manifest.inputs.model}`,
    remedy: 'give the folder that the stage teacher was given as --model, or run "make teacher"',
  });
}
