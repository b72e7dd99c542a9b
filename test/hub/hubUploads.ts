// The writing half of the local Hub (hubServer.ts, `also`): repositories are made, big files sent to where the batch of
// git LFS says and verified there, and a commit puts all under its names. Repositories lie as folders in `folder`.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { sha256Of } from '../fileBytes.ts';
import { readStore, type HubStore } from './hubStore.ts';

export interface UploadRules {
  folder: string;
  /** Who may write; whoever has any, if not given. Content needs none, as the Hub's storage takes it. */
  token?: string | undefined;
  /** The token may read only. */
  forbid?: boolean;
  /** What goes wrong at this step, this time. */
  fault?: (step: UploadStep) => UploadFault | undefined;
}

export type UploadStep = 'create' | 'preupload' | 'batch' | 'content' | 'commit';

/** An answer before anything is done, or none after all is done. */
export type UploadFault = { status: number; error?: string; headers?: Record<string, string> } | 'cut';

interface Upload {
  authorization: string | undefined;
  body: Buffer;
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
    const upload = { authorization, body: Buffer.concat(chunks), origin, rules, contents, stores, made };
    const step = stepOf(path);
    const fault = step && rules.fault?.(step.name);
    if (fault === 'cut') {
      await answer(upload, step);
      response.destroy();
      return true;
    }
    const [status, body] = fault ? [fault.status, { error: fault.error }] : await answer(upload, step);
    const headers = fault ? fault.headers : {};
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    return true;
  };
  return { also, contents, made };
}

const STEPS: Record<UploadStep, RegExp> = {
  create: /^\/api\/repos\/(create)$/,
  preupload: /^\/api\/models\/([^/]+\/[^/]+)\/preupload\/main$/,
  batch: /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/,
  content: /^\/upload\/([0-9a-f]{64})$/,
  commit: /^\/api\/models\/([^/]+\/[^/]+)\/commit\/main$/,
};

interface Step {
  name: UploadStep;
  /** The repository, or the sha256 of content. */
  of: string;
}

/** What is asked for at an address, if anything. */
function stepOf(path: string): Step | undefined {
  const names = Object.keys(STEPS) as UploadStep[];
  return names.flatMap((name) => {
    const [, of] = STEPS[name].exec(path) ?? [];
    return of === undefined ? [] : { name, of };
  })[0];
}

async function answer(upload: Upload, step: Step | undefined): Promise<Answer> {
  if (step?.name === 'content') return receive(step.of, upload);
  const { token } = upload.rules;
  if (!upload.authorization || (token && upload.authorization !== `Bearer ${token}`))
    return [401, { error: 'Invalid username or password.' }];
  if (upload.rules.forbid) return [403, { error: 'You do not have the required permissions' }];
  if (step?.name === 'create') return create(upload);
  if (step?.name === 'preupload') return [200, { files: modesOf(upload.body) }];
  if (step?.name === 'batch') return [200, batchOf(upload)];
  return step ? commit(step.of, upload) : [404, { error: 'Not found' }];
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

function receive(sha256: string, { body, contents }: Upload): Answer {
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
