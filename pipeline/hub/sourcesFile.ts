// sources.json: what the references of a recipe stand for on this machine, and the sums of it all.
// Beside it lie symlinks sources/teacher and sources/student, which give every later stage one fixed path.
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { commitJson, readJsonObject } from '../artifact/jsonFile.ts';
import { validate } from '../config/loadConfig.ts';

const FORMAT_VERSION = 1;

const modelSchema = z.object({
  reference: z.string(),
  /** The Hub's commit or the package's version; null for local files. */
  revision: z.string().nullable(),
  /** The model folder, absolute. */
  path: z.string(),
  fingerprint: z.string(),
});
const datasetSchema = z.object({
  reference: z.string(),
  revision: z.string().nullable(),
  files: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() })),
});
const sourcesSchema = z.object({
  formatVersion: z.literal(FORMAT_VERSION),
  teacher: modelSchema,
  student: modelSchema,
  datasets: z.record(z.string(), datasetSchema),
});

export type ResolvedModel = z.infer<typeof modelSchema>;
export type ResolvedDataset = z.infer<typeof datasetSchema>;
/** The content of sources.json. */
export type Sources = z.infer<typeof sourcesSchema>;

/** Writes `folder/sources.json` and the symlinks. */
export async function writeSources(folder: string, sources: Omit<Sources, 'formatVersion'>): Promise<void> {
  await replaceSymlink(join(folder, 'sources', 'teacher'), sources.teacher.path);
  await replaceSymlink(join(folder, 'sources', 'student'), sources.student.path);
  const content: Sources = { formatVersion: FORMAT_VERSION, ...sources };
  await commitJson(join(folder, 'sources.json'), content);
}

/** The content of `folder/sources.json`, or undefined when there is none. */
export async function readSources(folder: string): Promise<Sources | undefined> {
  const file = join(folder, 'sources.json');
  const raw = await readJsonObject(file);
  return raw && validate(sourcesSchema, raw, () => file);
}

/** A link made under another name and renamed, so that there is always one. */
async function replaceSymlink(path: string, target: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, path);
}
