// What the tests of the Hub client have in common: an environment without the developer's own token and cache, a
// repository of made-up files, and a server for it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Test } from 'tap';
import { fetchSnapshot, type HubRepository, type HubSnapshot } from '../../pipeline/hub/hubSnapshot.ts';
import { startHub, type HubOptions, type HubServer } from './hubServer.ts';

/** Bytes that do not compress and are the same every time. */
export function madeUpBytes(size: number, seed = 1): Buffer {
  const stream = xoroshiro128plus(seed);
  const words = Int32Array.from({ length: Math.ceil(size / 4) }, () => stream.next());
  return Buffer.from(words.buffer).subarray(0, size);
}

/** Writes files into `folder`, which is made. */
export function writeFiles(folder: string, files: Record<string, string | Buffer>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const VARIABLES = ['HF_ENDPOINT', 'HF_HOME', 'HF_HUB_CACHE', 'HF_TOKEN', 'HF_TOKEN_PATH', 'HF_HUB_OFFLINE'];
const OTHERS = [
  'HUGGINGFACE_HUB_CACHE',
  'HUGGING_FACE_HUB_TOKEN',
  'TRANSFORMERS_OFFLINE',
  'HF_HUB_DOWNLOAD_TIMEOUT',
];

/** Sets variables of the Hub's tools and unsets all others of them. */
export function setHubEnvironment(given: Record<string, string>): void {
  for (const name of [...VARIABLES, ...OTHERS]) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, given);
}

export interface HubScene {
  hub: HubServer;
  /** The repositories' cache. */
  cache: string;
  /** Lines of progress so far. */
  told: string[];
  fetch: (repository: HubRepository, select?: (names: string[]) => string[]) => Promise<HubSnapshot>;
}

/** A server of its own, an empty cache, and the client pointed to both. */
export async function hubScene(t: Test, options: HubOptions): Promise<HubScene> {
  const home = mkdtempSync(join(t.testdirName, '..', 'hub-'));
  t.teardown(() => rmSync(home, { recursive: true }));
  process.env.REDISTILL_CACHE = join(home, 'redistill');
  const hub = await startHub(options);
  t.teardown(hub.close);
  setHubEnvironment({ HF_ENDPOINT: hub.url, HF_HOME: home });
  const told: string[] = [];
  return {
    hub,
    cache: join(home, 'hub'),
    told,
    fetch: (repository, select = (names) => names) =>
      fetchSnapshot(repository, { select, progress: (line) => told.push(line) }),
  };
}
