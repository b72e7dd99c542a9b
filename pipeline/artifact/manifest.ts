// manifest.json: what an artifact is, what it was made from, and the checksum of each of its files.
// It is committed last, so a folder with a manifest is complete; what is not in a manifest is made again.
import { stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, UserError } from '../config/userError.ts';
import type { FileRecord } from './commitFile.ts';
import { fingerprint, sha256OfFile, type Json } from './fingerprint.ts';
import { commitJson } from './jsonFile.ts';
import { findText } from './optionalFiles.ts';

export type ArtifactKind = 'sources' | 'model' | 'mix' | 'teacher' | 'logits' | 'train' | 'eval';

/** The content of manifest.json. */
export interface Manifest {
  kind: ArtifactKind;
  formatVersion: number;
  /** Names the artifact's content: the hash of kind, version, inputs and parameters. */
  fingerprint: string;
  /** Fingerprints of what it was made from, by role. */
  inputs: Record<string, string>;
  parameters: Record<string, Json | undefined>;
  tools: Record<string, string>;
  statistics: Record<string, Json>;
  files: FileRecord[];
}

/** What is known of an artifact before it is made. */
export type ManifestPlan = Pick<Manifest, 'kind' | 'formatVersion' | 'inputs' | 'parameters'>;

/** The fingerprint of an artifact that is made as planned. */
export function planFingerprint({ kind, formatVersion, inputs, parameters }: ManifestPlan): string {
  return fingerprint({ kind, formatVersion, inputs, parameters });
}

/** Commits `folder/manifest.json`, which makes the artifact complete. */
export async function writeManifest(
  folder: string,
  plan: ManifestPlan,
  { statistics = {}, files }: { statistics?: Record<string, Json>; files: FileRecord[] },
): Promise<Manifest> {
  const tools = { redistill: '0.1.0', node: process.versions.node };
  const manifest: Manifest = { ...plan, fingerprint: planFingerprint(plan), tools, statistics, files };
  await commitJson(join(folder, 'manifest.json'), manifest);
  return manifest;
}

/** The manifest of `folder`, or undefined when there is none (yet) or it cannot be parsed. */
export async function findManifest(folder: string): Promise<Manifest | undefined> {
  const text = await findText(join(folder, 'manifest.json'));
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Manifest);
  } catch {
    return undefined;
  }
}

/**
 * The manifest of an artifact that is already made as planned, all files intact; its time is renewed, so that make,
 * which goes by times, sees what the fingerprints say. Undefined when there is work to do.
 */
export async function reuseFinished(folder: string, plan: ManifestPlan): Promise<Manifest | undefined> {
  const manifest = await findManifest(folder);
  if (manifest?.fingerprint !== planFingerprint(plan) || !(await filesAreIntact(folder, manifest)))
    return undefined;
  const now = new Date();
  await utimes(join(folder, 'manifest.json'), now, now);
  return manifest;
}

/**
 * The manifest of an artifact another stage made.
 * @throws UserError when it is missing or of another kind or version; `command` is what makes it.
 */
export async function readManifest(
  folder: string,
  { kind, formatVersion, command }: { kind: ArtifactKind; formatVersion: number; command: string },
): Promise<Manifest> {
  const file = join(folder, 'manifest.json');
  const manifest = await findManifest(folder);
  if (!manifest) throw new UserError({ file, problem: 'missing or unreadable', remedy: `run "${command}"` });
  if (manifest.kind !== kind)
    throw new UserError({
      file,
      field: 'kind',
      value: manifest.kind,
      problem: `expected "${kind}"`,
      remedy: 'check the folder given',
    });
  if (manifest.formatVersion !== formatVersion)
    throw new UserError({
      file,
      field: 'formatVersion',
      value: manifest.formatVersion,
      problem: `this version reads ${formatVersion}`,
      remedy: `run "${command}"`,
    });
  return manifest;
}

/** True when every file of the manifest is there with its size and sha256. */
export async function filesAreIntact(folder: string, { files }: Pick<Manifest, 'files'>): Promise<boolean> {
  for (const record of files) if ((await damageOf(folder, record)) !== undefined) return false;
  return true;
}

/** Refuses a file whose size or sha256 is not the recorded one. */
export async function verifyFile(folder: string, record: FileRecord, command: string): Promise<void> {
  const damage = await damageOf(folder, record);
  if (damage)
    throw new UserError({ file: join(folder, record.file), problem: damage, remedy: `run "${command}"` });
}

/** What is wrong with a file, or undefined. */
async function damageOf(folder: string, { file, bytes, sha256 }: FileRecord): Promise<string | undefined> {
  const path = join(folder, file);
  try {
    const { size } = await stat(path);
    if (size !== bytes) return `has ${size} bytes, the manifest says ${bytes}`;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'missing, though the manifest lists it';
    throw error;
  }
  const found = await sha256OfFile(path);
  return found === sha256 ? undefined : `has sha256 ${found}, the manifest says ${sha256}`;
}
