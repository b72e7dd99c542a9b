// What of a run is published: the files of its model, or of its adapter where the base it belongs to is on the Hub, each
// as the manifest of the training lists it; with the complete card in place of the one that training left.
import { join } from 'node:path';
import { readManifest, verifyFile } from '../artifact/manifest.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { parseJsonObject } from '../artifact/jsonFile.ts';
import { gitBlobSha1 } from '../hub/gitBlob.ts';
import { hubReference } from '../hub/reference.ts';
import { readSources, type Sources } from '../hub/sourcesFile.ts';
import { isPruned } from '../train/cardModels.ts';
import { readCard } from '../train/modelCard.ts';
import type { TrainConfig } from '../train/trainConfig.ts';
import { publishedCard } from './publishedCard.ts';
import { commandFor, publishedScores } from './publishedScores.ts';

/** A file to publish: what is on disk, or a text that was made for it. */
export interface PublishedFile {
  path: string;
  content: { file: string } | { text: string };
  bytes: number;
  /** Of files on disk. */
  sha256?: string;
  /** By which git knows the file, unless it is an LFS file. */
  sha1: () => Promise<string>;
}

export interface PublishOptions {
  /** Folder of the recipe's run, as data/runs/smollm2. */
  run: string;
  /** The training, a folder of `run`/train. */
  name: string;
  /** ORG/NAME on the Hub. */
  repository: string;
}

/**
 * The files of a training with its card; nothing is written.
 * @param notice is told what the card lacks
 * @throws UserError when the training is missing or a file of it is damaged
 */
export async function publishedModel(
  { run, name, repository }: PublishOptions,
  { notice }: { notice: (line: string) => void },
): Promise<PublishedFile[]> {
  const folder = join(run, 'train', name);
  const command = commandFor('train', { run, name });
  const manifest = await readManifest(folder, { kind: 'train', formatVersion: 1, command });
  for (const record of manifest.files) await verifyFile(folder, record, command);
  const card = readCard((await findText(join(folder, 'model/README.md'))) ?? '');
  const base = baseOnHub(card.metadata.base_model, await readSources(run));
  const hasAdapter = manifest.files.some(({ file }) => file.startsWith('adapter/'));
  const isAdapter = hasAdapter && base !== undefined;
  if (hasAdapter && !isAdapter)
    notice('no one could load the base of the adapter from the Hub, so the merged model is published');
  const part = isAdapter ? 'adapter' : 'model';
  const evaluation = await publishedScores(run, { name, model: join(folder, 'model'), notice });
  const { lora } = manifest.parameters as Partial<TrainConfig>;
  const adapter = isAdapter ? { base, rank: lora!.rank } : undefined;
  const readme = publishedCard({ repository, card, evaluation, adapter });
  const own = manifest.files.filter(
    ({ file }) => file.startsWith(`${part}/`) && !file.endsWith('/README.md'),
  );
  const files = own.map(({ file, bytes, sha256 }): PublishedFile => {
    const source = join(folder, file);
    return {
      path: file.slice(part.length + 1),
      content: { file: source },
      ...{ bytes, sha256 },
      sha1: () => gitBlobSha1({ file: source, bytes }),
    };
  });
  if (isAdapter) await nameBase(files, base);
  return [madeUp('README.md', readme), ...files];
}

/** The base of an adapter, if others can load it by its name: one from the Hub, no GGUF file, with all of its layers. */
function baseOnHub(base: unknown, sources: Sources | undefined): string | undefined {
  if (typeof base !== 'string' || !sources || isPruned(sources)) return undefined;
  return hubReference(sources.student.reference)?.file === undefined ? base : undefined;
}

/** PEFT loads an adapter's base by the name in adapter_config.json, which training left open. */
async function nameBase(files: PublishedFile[], base: string): Promise<void> {
  const at = files.findIndex(({ path }) => path === 'adapter_config.json');
  const { content } = files[at] ?? {};
  if (!content || !('file' in content)) return;
  const config = parseJsonObject((await findText(content.file)) ?? '', content.file);
  const named = { ...config, base_model_name_or_path: base };
  files[at] = madeUp('adapter_config.json', JSON.stringify(named, null, 2) + '\n');
}

function madeUp(path: string, text: string): PublishedFile {
  const bytes = Buffer.byteLength(text);
  return { path, content: { text }, bytes, sha1: () => gitBlobSha1({ text, bytes }) };
}
