// The writing half of the local Hub (hubServer.ts, `also`): repositories are made, big files sent to where the batch of
// git LFS says and verified there, and a commit puts all under its names. Repositories lie as folders in `folder`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { sha256Of } from '../fileBytes.ts';
import { readStore, type HubStore } from './hubStore.ts';

export interface UploadRules {
  folder: string;
  /** Without it only content is taken, at the address that the batch named, as the Hub's storage takes it. */
  token: string;
  /** The token may read only. */
  forbid?: boolean;
  /** Whether the content of a big file, by its sha256, is refused this time. */
  refuseContent?: (sha256: string) => boolean;
}

interface Upload {
  authorization: string | undefined;
  body: Buffer;
  path: string;
  origin: string;
  rules: UploadRules;
  /** Content of big files, by sha256. */
  contents: Map<string, Buffer>;
  stores: Map<string, HubStore>;
  made: { repository: string; visibility: string | undefined }[];
}

type Answer = [status: number, body: unknown];

/** What `also` of a server takes. `contents` holds what was sent, by sha256; `made` the repositories made. */
export function acceptUploads(rules: UploadRules) {
  const contents = new Map<string, Buffer>();
  const made: Upload['made'] = [];
  const also = async (
    request: IncomingMessage,
    response: ServerResponse,
    stores: Map<string, HubStore>,
  ): Promise<boolean> => {
    if (request.method !== 'POST' && request.method !== 'PUT') return false;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const origin = `http://${request.headers.host}`;
    const path = decodeURIComponent(new URL(request.url!, origin).pathname);
    const { authorization } = request.headers;
    const upload = {
      authorization,
      body: Buffer.concat(chunks),
      path,
      origin,
      rules,
      contents,
      stores,
      made,
    };
    const [status, body] = await answer(upload);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return true;
  };
  return { also, contents, made };
}

async function answer(upload: Upload): Promise<Answer> {
  const { path, rules, body } = upload;
  const [, sent] = /^\/upload\/([0-9a-f]{64})$/.exec(path) ?? [];
  if (sent) return receive(sent, upload);
  if (upload.authorization !== `Bearer ${rules.token}`)
    return [401, { error: 'Invalid username or password.' }];
  if (rules.forbid) return [403, { error: 'You do not have the required permissions' }];
  if (path === '/api/repos/create') return create(upload);
  const [, preupload] = /^\/api\/models\/([^/]+\/[^/]+)\/preupload\/main$/.exec(path) ?? [];
  if (preupload) return [200, { files: modesOf(body) }];
  const [, batch] = /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path) ?? [];
  if (batch) return [200, batchOf(upload)];
  const [, name] = /^\/api\/models\/([^/]+\/[^/]+)\/commit\/main$/.exec(path) ?? [];
  return name ? commit(name, upload) : [404, { error: 'Not found' }];
}

async function create({ body, rules, stores, made }: Upload): Promise<Answer> {
  const { name, organization, visibility } = JSON.parse(body.toString()) as Record<string, string>;
  const repository = `${organization}/${name}`;
  if (stores.has(`models/${repository}`)) return [409, { error: 'You already created this model repo' }];
  made.push({ repository, visibility });
  mkdirSync(join(rules.folder, repository), { recursive: true });
  stores.set(`models/${repository}`, await readStore(join(rules.folder, repository)));
  return [200, { url: repository, id: repository }];
}

/** The Hub takes files as LFS files by their names, and what is large. */
function modesOf(body: Buffer): object[] {
  const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
  const isBig = ({ path, size }: { path: string; size: number }) =>
    /\.safetensors$/.test(path) || size >= 10e6;
  return files.map((file) => ({ path: file.path, uploadMode: isBig(file) ? 'lfs' : 'regular' }));
}

/** Nothing to do for content that is here already. */
function batchOf({ body, contents, origin }: Upload): object {
  const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
  return {
    transfer: 'basic',
    objects: objects.map(({ oid, size }) =>
      contents.has(oid)
        ? { oid, size }
        : { oid, size, actions: { upload: { href: `${origin}/upload/${oid}` } } },
    ),
  };
}

function receive(sha256: string, { body, rules, contents }: Upload): Answer {
  if (rules.refuseContent?.(sha256)) return [500, { error: 'storage is out of order' }];
  if (sha256Of(body) !== sha256) return [400, { error: 'content does not match its sha256' }];
  contents.set(sha256, body);
  return [200, {}];
}

interface Operation {
  key: 'header' | 'file' | 'lfsFile' | 'deletedFile';
  value: { path: string; content: string; encoding: BufferEncoding; oid: string };
}

async function commit(name: string, { body, rules, contents, stores }: Upload): Promise<Answer> {
  const lines = body.toString().split('\n');
  for (const { key, value } of lines.map((line) => JSON.parse(line) as Operation)) {
    if (key === 'header') continue;
    const file = join(rules.folder, name, value.path);
    const content = key === 'file' ? Buffer.from(value.content, value.encoding) : contents.get(value.oid);
    if (key === 'deletedFile') rmSync(file);
    else if (!content) return [400, { error: `LFS pointer pointed to a file that does not exist: ${file}` }];
    else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }
  const store = await readStore(join(rules.folder, name));
  stores.set(`models/${name}`, store);
  return [200, { commitOid: store.commit, commitUrl: `/${name}/commit/${store.commit}`, success: true }];
}
