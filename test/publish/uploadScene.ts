// A local Hub to publish to (test/hub/hubUploads.ts), and the round trip through it.
import { join } from 'node:path';
import type { Test } from 'tap';
import { fetchSnapshot } from '../../pipeline/hub/hubSnapshot.ts';
import { publishedModel } from '../../pipeline/publish/publishedModel.ts';
import { uploadModel } from '../../pipeline/publish/uploadModel.ts';
import { startHub } from '../hub/hubServer.ts';
import { acceptUploads, type UploadRules } from '../hub/hubUploads.ts';
import { REPOSITORY } from './publishScene.ts';

const TOKEN = 'hf_secret';
process.env.HF_TOKEN_PATH = 'test/no-such-file';

/** A Hub that holds nothing yet, and this process pointed to it, with an empty cache. */
export async function emptyHub(t: Test, rules: Partial<UploadRules> = {}) {
  const home = t.testdir({ repositories: {}, cache: {} });
  const uploads = acceptUploads({ folder: join(home, 'repositories'), token: TOKEN, ...rules });
  const hub = await startHub({ repositories: {}, also: uploads.also });
  t.teardown(hub.close);
  delete process.env.HF_HUB_OFFLINE;
  process.env.REDISTILL_CACHE = join(home, 'redistill');
  Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(home, 'cache'), HF_TOKEN: TOKEN });
  return { ...uploads, hub };
}

export async function publish(run: string, { isPrivate = false } = {}): Promise<string[]> {
  const told: string[] = [];
  const progress = (line: string) => told.push(line);
  const files = await publishedModel({ run, name: 'main', repository: REPOSITORY }, { notice: progress });
  await uploadModel(files, { repository: REPOSITORY, isPrivate, progress });
  return told;
}

/** The folder of what the Hub holds of the repository, downloaded. */
export async function fetched(): Promise<string> {
  const all = { select: (names: string[]) => names, progress: () => undefined };
  return (await fetchSnapshot({ type: 'model', name: REPOSITORY }, all)).folder;
}
