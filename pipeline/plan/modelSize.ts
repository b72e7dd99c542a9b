// A model of a recipe as a plan sees it: its shapes, its parameters and its bytes, from config.json and the headers of its
// safetensors, or the header of its GGUF. On the Hub these are read by Range, so a 70B model costs some MB; a folder on
// this machine is opened as for loading. What is in a wheel shows only after `make fetch`.
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { GGUF } from '../hub/reference.ts';
import { modelReference } from '../hub/resolveModel.ts';
import type { ModelSource, StudentSource } from '../hub/sourcesConfig.ts';
import { openCheckpoint } from '../model/checkpoint.ts';
import { decoderShapes, parametersOf } from '../model/decoderShapes.ts';
import { ggufConfig, ggufShape } from '../model/ggufConfig.ts';
import { openGguf, readGguf, type GgufFile } from '../model/ggufFile.ts';
import { ggufWeights } from '../model/ggufWeights.ts';
import { modelConfigOf, readModelConfig, type ModelConfig } from '../model/modelConfig.ts';
import { byteLength, readTensorInfos, type TensorInfo } from '../model/safetensors.ts';
import { listHubFiles } from './hubFiles.ts';

export interface ModelSize {
  reference: string;
  config: ModelConfig;
  parameters: number;
  /** Of the files that are fetched, and of those that are here already. */
  bytes: number;
  cachedBytes: number;
  /** Of the folder that `make fetch` is still to make of a GGUF. */
  convertedBytes?: number;
}

/** What a plan is given beside a reference. */
export interface SizeOptions {
  /** The key of sources.yaml, for messages. */
  field: string;
  /** The folder that `make fetch` resolved the reference to, if it has. */
  resolved?: string | undefined;
}

/** @throws UserError for a reference that cannot be looked into before it is fetched, or that is no model. */
export async function sizeOfModel(source: ModelSource, { field, resolved }: SizeOptions): Promise<ModelSize> {
  const reference = typeof source === 'string' ? source : source.reference;
  if (resolved !== undefined) return sizeOfFolder(reference, resolved);
  const parsed = modelReference(reference, field);
  if (parsed.kind === 'local')
    return GGUF.test(parsed.path) ? sizeOfGgufHere(parsed.path) : sizeOfFolder(reference, parsed.path);
  if (parsed.kind === 'hub') {
    const { repository: name, revision, file } = parsed;
    const repository = { type: 'model', name, ...(revision !== undefined && { revision }) } as const;
    return file === undefined
      ? sizeOnHub(reference, repository)
      : sizeOfGgufOnHub(reference, repository, file);
  }
  throw new UserError({
    field,
    value: reference,
    problem: 'what is in it shows only once it is fetched',
    remedy: 'run "make fetch" first',
  });
}

/** A pruned student has the shapes of its teacher and fewer layers; it is made here and not fetched. */
export async function sizeOfStudent(
  source: StudentSource,
  { teacher, ...options }: SizeOptions & { teacher: ModelSize },
): Promise<ModelSize> {
  if (typeof source === 'string' || 'reference' in source) return sizeOfModel(source, options);
  const { from, keep_layers } = source.prune;
  if (options.resolved !== undefined && from !== 'teacher')
    return sizeOfFolder(`${from}, pruned`, options.resolved);
  const whole = from === 'teacher' ? teacher : await sizeOfModel(from, options);
  const config = { ...whole.config, numHiddenLayers: keep_layers.length };
  const bytes = from === 'teacher' ? 0 : whole.bytes;
  const parameters = parametersOf(config);
  return {
    reference: `${from}, pruned`,
    config,
    parameters,
    bytes,
    cachedBytes: Math.min(bytes, whole.cachedBytes),
  };
}

async function sizeOfFolder(reference: string, folder: string): Promise<ModelSize> {
  const { config, names, info, close } = await openCheckpoint(folder);
  await close();
  const tensors = new Map(names().map((name) => [name, info(name)]));
  const files = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  const sizes = await Promise.all(
    files.map(async (name) => (await stat(await realpath(join(folder, name)))).size),
  );
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return {
    reference,
    config,
    parameters: checkedParameters(tensors, config, folder),
    bytes,
    cachedBytes: bytes,
  };
}

async function sizeOnHub(
  reference: string,
  repository: Parameters<typeof listHubFiles>[0],
): Promise<ModelSize> {
  const chooseJson = (names: string[]) => names.filter((name) => /^(generation_)?config\.json$/.test(name));
  const { folder, files, source } = await listHubFiles(repository, { fetch: chooseJson });
  const config = await readModelConfig(folder);
  const weights = files.filter(({ path }) => /^model(-\d+-of-\d+)?\.safetensors$/.test(path));
  if (weights.length === 0)
    throw new UserError({
      file: reference,
      problem: 'has no safetensors',
      remedy: 'name a repository that has',
    });
  const tensors = new Map<string, TensorInfo>();
  for (const file of weights)
    for (const [name, info] of await readTensorInfos(`${reference}/${file.path}`, source(file)))
      tensors.set(name, info);
  const sum = (chosen: typeof weights) => chosen.reduce((total, { bytes }) => total + bytes, 0);
  return {
    ...{ reference, config, parameters: checkedParameters(tensors, config, reference) },
    bytes: sum(weights),
    cachedBytes: sum(weights.filter(({ isCached }) => isCached)),
  };
}

async function sizeOfGgufHere(path: string): Promise<ModelSize> {
  const file = await openGguf(path);
  try {
    const { size } = await stat(path);
    return await sizeOfGguf(file, { reference: path, bytes: size, cachedBytes: size });
  } finally {
    await file.close();
  }
}

async function sizeOfGgufOnHub(
  reference: string,
  repository: Parameters<typeof listHubFiles>[0],
  name: string,
): Promise<ModelSize> {
  const { files, source } = await listHubFiles(repository);
  const file = files.find(({ path }) => path === name);
  const ggufs = files.map(({ path }) => path).filter((path) => GGUF.test(path));
  if (!file)
    throw new UserError({
      ...{ file: reference, problem: 'no such file' },
      remedy: `it has ${ggufs.join(', ') || 'no .gguf'}`,
    });
  const cachedBytes = file.isCached ? file.bytes : 0;
  return sizeOfGguf(await readGguf(reference, source(file)), { reference, bytes: file.bytes, cachedBytes });
}

async function sizeOfGguf(
  file: GgufFile,
  known: Pick<ModelSize, 'reference' | 'bytes' | 'cachedBytes'>,
): Promise<ModelSize> {
  const shape = ggufShape(file);
  const config = modelConfigOf(await ggufConfig(file, shape), { file: file.path });
  const weights = ggufWeights(file, shape);
  const tensors = new Map(weights.map(({ name, ...info }) => [name, info]));
  const convertedBytes = weights.reduce((sum, tensor) => sum + byteLength(tensor), 0);
  return { ...known, config, parameters: checkedParameters(tensors, config, file.path), convertedBytes };
}

/** @throws UserError when a tensor is not there, or not as config.json has it. */
function checkedParameters(
  tensors: ReadonlyMap<string, TensorInfo>,
  config: ModelConfig,
  file: string,
): number {
  for (const [name, shape] of decoderShapes(config)) {
    const found = tensors.get(name)?.shape;
    if (found?.join() !== shape.join())
      throw new UserError({
        ...{ file, field: name, ...(found && { value: found }) },
        problem: found ? `config.json asks for the shape ${JSON.stringify(shape)}` : 'missing',
      });
  }
  return parametersOf(config);
}
