// A very small Hugging Face Hub on this machine, for HF_ENDPOINT: serves folders in the Hub's URL layout, with its
// headers and errors. Big files are redirected, as the Hub does, to a second address that stands for its content network:
// that one refuses requests with a token and has ETags of its own. What goes wrong can be chosen request by request.
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { infoOf, refuse, refuseGated, sendJson } from './hubAnswers.ts';
import { readStore, treeOf, type HubStore, type StoredFile } from './hubStore.ts';
import { applyFault, sendFile, type Fault } from './sendFile.ts';

/** A running server; `close` it. */
export interface HubServer {
  url: string;
  /** Method and path of every request so far; those for the content of big files begin with /lfs/. */
  requests: string[];
  /** Bytes of content sent, by "models/ORG/NAME/PATH" or "datasets/ORG/NAME/PATH". */
  sent: Map<string, number>;
  /** Authorization header of every request to the Hub itself. */
  authorizations: (string | undefined)[];
  /** Those that reached the content network, where none belongs. */
  leaked: string[];
  /** The commit that "main" of a repository stands for. */
  commit: (repository: string) => string;
  close: () => Promise<void>;
}

/** A request about which a fault is decided. */
export interface AskedFor {
  /** api: what there is; file: a file of a repository; lfs: the content of a big one, after the redirect. */
  kind: 'api' | 'file' | 'lfs';
  method: string;
  /** The address's path, or "models/ORG/NAME/PATH" of a file. */
  path: string;
  /** How many requests there were before of this kind and path. */
  before: number;
}

export interface HubOptions {
  /** Folder of each repository, under "models/ORG/NAME" or "datasets/ORG/NAME"; of another branch under that and "@BRANCH". */
  repositories: Record<string, string>;
  /** When given, requests without this token get 401, as for private repositories. */
  token?: string;
  /** Repositories whose files nobody has been given access to. */
  gated?: readonly string[];
  /** Changes what is sent for a file, as a broken mirror would. */
  corrupt?: (path: string, content: Buffer) => Buffer;
  faults?: (asked: AskedFor) => Fault | undefined;
  /** Entries of a tree in one answer. */
  pageSize?: number;
  /** Answers what the Hub's reading half does not, whoever asks, and may change what there is; true when it has. */
  also?: (
    request: IncomingMessage,
    response: ServerResponse,
    stores: Map<string, HubStore>,
  ) => Promise<boolean>;
  port?: number;
}

/** Starts a server, on a free port if none is given. */
export async function startHub(options: HubOptions): Promise<HubServer> {
  const { repositories, port = 0 } = options;
  const stores = new Map<string, HubStore>();
  for (const [name, folder] of Object.entries(repositories)) stores.set(name, await readStore(folder));
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const leaked: string[] = [];
  const sent = new Map<string, number>();
  const scene: Scene = { ...options, stores, sent, origin: '', network: '', asked: new Map() };
  const listen = (answer: (asking: Asking) => Promise<void>, at: number) =>
    startServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url!, 'http://hub');
      requests.push(`${request.method} ${pathname}`);
      return answer({ request, response, path: decodeURIComponent(pathname), searchParams });
    }, at);
  const hub = await listen((asking) => {
    authorizations.push(asking.request.headers.authorization);
    return answerHub(asking, scene);
  }, port);
  const network = await listen(async (asking) => {
    const { authorization } = asking.request.headers;
    if (authorization !== undefined) {
      leaked.push(authorization);
      asking.response.writeHead(400).end();
    } else await answerNetwork(asking, scene);
  }, 0);
  [scene.origin, scene.network] = [addressOf(hub), addressOf(network)];
  return {
    url: scene.origin,
    requests,
    sent,
    authorizations,
    leaked,
    commit: (repository) => stores.get(repository)!.commit,
    close: async () => {
      await Promise.all([hub, network].map(stopServer));
    },
  };
}

interface Scene extends HubOptions {
  stores: Map<string, HubStore>;
  sent: Map<string, number>;
  origin: string;
  network: string;
  /** Requests so far, by kind and path. */
  asked: Map<string, number>;
}
interface Asking {
  request: IncomingMessage;
  response: ServerResponse;
  path: string;
  searchParams: URLSearchParams;
}

async function answerHub(asking: Asking, scene: Scene): Promise<void> {
  const { request, response, path } = asking;
  if (await scene.also?.(request, response, scene.stores)) return;
  const { authorization } = request.headers;
  if (scene.token !== undefined && authorization !== `Bearer ${scene.token}`)
    return authorization === undefined
      ? refuse(response, 401, 'RepoNotFound', 'Repository not found')
      : refuse(response, 401, undefined, 'Invalid credentials in Authorization header');
  const [, api, kind = 'revision', at = 'main'] =
    /^\/api\/(\w+\/[^/]+\/[^/]+)(?:\/(revision|tree)\/(.+))?$/.exec(path) ?? [];
  if (api !== undefined) return answerApi(asking, { repository: api, kind, at, scene });
  const [, dataset, name, rest] = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/(.+)$/.exec(path) ?? [];
  if (rest === undefined) return refuse(response, 404, undefined, 'Not found');
  return answerFile(asking, { repository: `${dataset ?? 'models/'}${name}`, rest, scene });
}

/** /api/models/ORG/NAME[/revision/REV] and /api/models/ORG/NAME/tree/REV */
async function answerApi(
  { request, response, path, searchParams }: Asking,
  { repository, kind, at, scene }: { repository: string; kind: string; at: string; scene: Scene },
): Promise<void> {
  if (await applyFault(faultOf(scene, { kind: 'api', method: request.method!, path }), response)) return;
  const store = findStore(repository, at, { scene, request, response });
  if (!store) return;
  if (kind === 'revision') return sendJson(response, infoOf(repository, store, scene.gated));
  const { pageSize = 1000 } = scene;
  const [tree, start] = [treeOf(store), Number(searchParams.get('cursor') ?? 0)];
  const next = start + pageSize;
  if (next < tree.length)
    response.setHeader('link', `<${scene.origin}${path}?recursive=true&cursor=${next}>; rel="next"`);
  sendJson(response, tree.slice(start, next));
}

/** [/datasets]/ORG/NAME/resolve/REV/PATH: small files at once, big ones by a redirect. */
async function answerFile(
  { request, response }: Asking,
  { repository, rest, scene }: { repository: string; rest: string; scene: Scene },
): Promise<void> {
  const [at, ...parts] = rest.split('/');
  const path = `${repository}/${parts.join('/')}`;
  const fault = faultOf(scene, { kind: 'file', method: request.method!, path });
  if (await applyFault(fault, response)) return;
  const store = findStore(repository, at!, { scene, request, response });
  if (!store) return;
  if (scene.gated?.includes(repository)) return refuseGated(request, response, repository);
  const file = store.files.find((each) => each.path === parts.join('/'));
  response.setHeader('x-repo-commit', store.commit);
  if (!file) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
  if (file.sha256 === undefined) return send({ file, path, etag: file.oid, request, response, fault, scene });
  response.setHeader('x-linked-etag', `"${file.sha256}"`).setHeader('x-linked-size', file.size);
  response.writeHead(302, { location: `${scene.network}/lfs/${file.sha256}/${encodeURI(path)}` }).end();
}

/** /lfs/SHA256/REPOSITORY/PATH, where big files are redirected to. */
async function answerNetwork({ request, response, path: address }: Asking, scene: Scene): Promise<void> {
  const [, sha256, path] = /^\/lfs\/([0-9a-f]{64})\/(.+)$/.exec(address) ?? [];
  const file = [...scene.stores.values()]
    .flatMap(({ files }) => files)
    .find((each) => each.sha256 !== undefined && each.sha256 === sha256 && path!.endsWith(each.path));
  const fault = faultOf(scene, { kind: 'lfs', method: request.method!, path: path ?? address });
  if (await applyFault(fault, response)) return;
  if (!file) response.writeHead(403).end();
  else await send({ file, path: path!, etag: `${sha256!.slice(0, 32)}-1`, request, response, fault, scene });
}

interface Sending {
  file: StoredFile;
  path: string;
  etag: string;
  request: IncomingMessage;
  response: ServerResponse;
  fault: Fault;
  scene: Scene;
}

async function send({ file, path, etag, scene, ...answer }: Sending): Promise<void> {
  const content = scene.corrupt ? scene.corrupt(file.path, readFileSync(file.file)) : file.file;
  const size = typeof content === 'string' ? file.size : content.length;
  const sent = (bytes: number) => scene.sent.set(path, (scene.sent.get(path) ?? 0) + bytes);
  await sendFile(content, { ...answer, size, etag: `"${etag}"`, sent });
}

function faultOf({ faults, asked }: Scene, request: Omit<AskedFor, 'before'>): Fault {
  const key = `${request.kind} ${request.path}`;
  const before = asked.get(key) ?? 0;
  asked.set(key, before + 1);
  return faults?.({ ...request, before }) ?? {};
}

/** The store of a repository at a revision; otherwise undefined, and answered as the Hub does. */
function findStore(
  repository: string,
  at: string,
  { scene, request, response }: { scene: Scene; request: IncomingMessage; response: ServerResponse },
): HubStore | undefined {
  const branches = [...scene.stores].filter(([name]) => name.split('@')[0] === repository);
  const found = branches.find(([name, { commit }]) => at === (name.split('@')[1] ?? 'main') || at === commit);
  if (found) return found[1];
  if (branches.length > 0) refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${at}`);
  else {
    const status = request.headers.authorization === undefined ? 401 : 404;
    refuse(response, status, 'RepoNotFound', 'Repository not found');
  }
  return undefined;
}

async function startServer(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port: number,
): Promise<Server> {
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy()); // the client has gone
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return server;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stopServer(server: Server): Promise<void> {
  await new Promise<void>((closed) => {
    server.close(() => closed());
    server.closeAllConnections();
  });
}
