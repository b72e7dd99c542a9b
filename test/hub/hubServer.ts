// A very small Hugging Face Hub on this machine, for HF_ENDPOINT: serves folders in the Hub's URL layout.
// Big files answer as the Hub's LFS files do: named by sha256 in the tree, and by a redirect when resolved.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A running server; `close` it. */
export interface HubServer {
  url: string;
  /** Method and path of every request so far. */
  requests: string[];
  /** The commit that "main" of a repository stands for. */
  commit: (repository: string) => string;
  close: () => Promise<void>;
}

interface HubOptions {
  /** Folder of each repository, under "models/ORG/NAME" or "datasets/ORG/NAME"; of another branch under that and "@BRANCH". */
  repositories: Record<string, string>;
  /** When given, requests without this token get 401. */
  token?: string;
  /** Changes what is sent for a file, as a broken mirror would. */
  corrupt?: (path: string, content: Buffer) => Buffer;
}

/** Starts a server on a free port. */
export async function startHub({
  repositories,
  token,
  corrupt = (_, content) => content,
}: HubOptions): Promise<HubServer> {
  const requests: string[] = [];
  const stores = new Map(
    Object.entries(repositories).map(([name, folder]) => [name, readStore(folder)] as const),
  );
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://hub');
    requests.push(`${request.method} ${pathname}`);
    const allowed = token === undefined || request.headers.authorization === `Bearer ${token}`;
    if (!allowed) return sendJson(response, 401, { error: 'Repository not found' });
    const answered =
      answerApi(pathname, stores, response) || answerFile(pathname, { stores, corrupt, request, response });
    if (!answered) sendJson(response, 404, { error: 'Not found' });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    commit: (repository) => stores.get(repository)!.commit,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

interface StoredFile {
  path: string;
  content: Buffer;
  /** The git blob's sha1, as a tree lists it. */
  oid: string;
  sha256: string;
  big: boolean;
}
interface Store {
  commit: string;
  files: StoredFile[];
}

function readStore(folder: string): Store {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const files = entries.map((entry) => {
    const full = join(entry.parentPath, entry.name);
    const content = readFileSync(full);
    return {
      path: full.slice(folder.length + 1),
      content,
      oid: createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex'),
      sha256: createHash('sha256').update(content).digest('hex'),
      big: /\.(safetensors|gguf|parquet|bin)$/.test(full),
    };
  });
  const commit = createHash('sha1')
    .update(files.map(({ path, oid }) => path + oid).join())
    .digest('hex');
  return { commit, files };
}

/** /api/models/ORG/NAME/revision/REV and /api/models/ORG/NAME/tree/REV */
function answerApi(pathname: string, stores: Map<string, Store>, response: ServerResponse): boolean {
  const [, repository, kind, revision] =
    /^\/api\/(\w+\/[^/]+\/[^/]+)\/(revision|tree)\/(.+)$/.exec(decodeURIComponent(pathname)) ?? [];
  const store = findStore(stores, repository, revision);
  if (!store) return false;
  const tree = store.files.map(({ path, content, oid, sha256, big }) => ({
    type: 'file',
    path,
    size: content.length,
    oid,
    ...(big && { lfs: { oid: sha256, size: content.length, pointerSize: 134 } }),
  }));
  const info = {
    _id: '0',
    id: repository!.replace(/^\w+\//, ''),
    sha: store.commit,
    private: false,
    gated: false,
  };
  sendJson(response, 200, kind === 'tree' ? tree : info);
  return true;
}

/** [/datasets]/ORG/NAME/resolve/REV/PATH, and where big files are redirected to: /lfs/SHA256 */
function answerFile(
  pathname: string,
  {
    stores,
    corrupt,
    request,
    response,
  }: {
    stores: Map<string, Store>;
    corrupt: (path: string, content: Buffer) => Buffer;
    request: IncomingMessage;
    response: ServerResponse;
  },
): boolean {
  const [, sha256] = /^\/lfs\/([0-9a-f]{64})$/.exec(pathname) ?? [];
  const [, dataset, name, revision, path] =
    /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname) ?? [];
  const store = findStore(stores, name && `${dataset ?? 'models/'}${name}`, revision);
  const file = sha256
    ? [...stores.values()].flatMap(({ files }) => files).find((each) => each.sha256 === sha256)
    : store?.files.find((each) => each.path === path);
  if (!file) return false;
  if (store && file.big) {
    response.setHeader('x-linked-etag', `"${file.sha256}"`).setHeader('x-linked-size', file.content.length);
    response.setHeader('x-repo-commit', store.commit);
    response.writeHead(302, { location: `/lfs/${file.sha256}` }).end();
  } else sendRange(corrupt(file.path, file.content), { etag: sha256 ?? file.oid, request, response });
  return true;
}

function findStore(stores: Map<string, Store>, repository: string | undefined, revision: string | undefined) {
  const branches = [...stores].filter(([name]) => name.split('@')[0] === repository);
  const named = ([name, { commit }]: [string, Store]) =>
    revision === (name.split('@')[1] ?? 'main') || revision === commit;
  return branches.find(named)?.[1];
}

function sendRange(
  content: Buffer,
  { etag, request, response }: { etag: string; request: IncomingMessage; response: ServerResponse },
): void {
  response.setHeader('etag', `"${etag}"`).setHeader('accept-ranges', 'bytes');
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  if (first === undefined) {
    response.writeHead(200, { 'content-length': content.length }).end(content);
    return;
  }
  const end = Math.min(last ? Number(last) : Infinity, content.length - 1);
  const part = content.subarray(Number(first), end + 1);
  response.setHeader('content-range', `bytes ${first}-${end}/${content.length}`);
  response.writeHead(206, { 'content-length': part.length }).end(part);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
