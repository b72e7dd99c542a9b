// A Hub of stand-ins for models and datasets as large as the real ones: it lists files of their sizes, and of weights it
// has the header alone, so that whoever asks for more than headers gets zeros.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a file begins with; the rest of `bytes` is zeros. */
export interface StandIn {
  bytes: number;
  begin: Buffer;
}

export interface HeaderHub {
  url: string;
  /** Bytes of weights that were sent. */
  sentOfWeights: () => number;
  close: () => Promise<void>;
}

const COMMIT = 'c'.repeat(40);

/** @param repositories files by their names, under "models/ORG/NAME" or "datasets/ORG/NAME" */
export async function startHeaderHub(
  repositories: Record<string, Record<string, StandIn>>,
): Promise<HeaderHub> {
  let sent = 0;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url!, 'http://hub').pathname);
    const [, kind, repository, what] =
      /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree)\//.exec(path) ?? [];
    const files = repositories[`${kind}/${repository}`];
    if (files) return sendJson(response, what === 'tree' ? treeOf(files) : infoOf(repository!));
    const [, dataset, name, file] = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(path) ?? [];
    const standIn = repositories[`${dataset ?? 'models/'}${name}`]?.[file ?? ''];
    if (!standIn) return response.writeHead(404).end();
    const length = sendPart(standIn, request, response);
    if (file!.endsWith('.safetensors')) sent += length;
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    sentOfWeights: () => sent,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function infoOf(id: string) {
  return { _id: '0', id, sha: COMMIT, private: false, gated: false };
}

function treeOf(files: Record<string, StandIn>) {
  return Object.entries(files).map(([path, { bytes, begin }]) => {
    const oid = createHash('sha1').update(`blob ${bytes}\0`).update(begin).digest('hex');
    const isBig = begin.length < bytes;
    const lfs = { oid: createHash('sha256').update(path).digest('hex'), size: bytes, pointerSize: 134 };
    return { type: 'file', path, size: bytes, oid, ...(isBig && { lfs }) };
  });
}

/** @returns how many bytes the answer has */
function sendPart({ bytes, begin }: StandIn, request: IncomingMessage, response: ServerResponse): number {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
  const first = Number(from ?? 0);
  const last = Math.min(to ? Number(to) : Infinity, bytes - 1);
  const part = Buffer.alloc(Math.min(last + 1 - first, 1 << 26)); // nobody needs more of a stand-in
  begin.copy(part, 0, first);
  const headers = { etag: '"0"', 'accept-ranges': 'bytes', 'content-length': part.length };
  if (from === undefined) response.writeHead(200, headers).end(part);
  else response.writeHead(206, { ...headers, 'content-range': `bytes ${first}-${last}/${bytes}` }).end(part);
  return part.length;
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
