// A file, or the range of it that is asked for, streamed from disk; and what can go wrong on the way.
import { createReadStream } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';

/** What goes wrong with one answer. */
export interface Fault {
  /** Milliseconds before it begins. */
  delay?: number;
  /** Answered instead, such as 503. */
  status?: number;
  headers?: Record<string, string>;
  /** The connection ends after so many bytes of the body. */
  cutAfter?: number;
  /** The connection stays open after so many bytes, and nothing more comes. */
  silentAfter?: number;
  /** The byte at this place in the file arrives changed. */
  flipAt?: number;
}

interface FileAnswer {
  size: number;
  etag: string;
  request: IncomingMessage;
  response: ServerResponse;
  fault: Fault;
  /** Told the bytes as they leave. */
  sent: (bytes: number) => void;
}

/** Answers GET and HEAD, with Range and If-Range. */
export async function sendFile(content: string | Buffer, answer: FileAnswer): Promise<void> {
  const { size, etag, request, response } = answer;
  response.setHeader('etag', etag).setHeader('accept-ranges', 'bytes');
  const isSame = [undefined, etag].includes(request.headers['if-range'] as string | undefined);
  const [, from, to] = (isSame && /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')) || [];
  const [first, last] = [Number(from ?? 0), Math.min(to ? Number(to) : Infinity, size - 1)];
  if (from !== undefined && first >= size) {
    response.writeHead(416, { 'content-range': `bytes */${size}` }).end();
    return;
  }
  if (from !== undefined) response.setHeader('content-range', `bytes ${first}-${last}/${size}`);
  response.writeHead(from === undefined ? 200 : 206, { 'content-length': last - first + 1 });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await sendBytes(content, { ...answer, first, last });
}

async function sendBytes(
  content: string | Buffer,
  { first, last, fault, response, sent }: FileAnswer & { first: number; last: number },
): Promise<void> {
  const end = Math.min(fault.cutAfter ?? Infinity, fault.silentAfter ?? Infinity);
  const stream =
    typeof content === 'string'
      ? createReadStream(content, { start: first, end: last })
      : [content.subarray(first, last + 1)];
  let [position, left] = [first, end];
  for await (const chunk of stream) {
    const part = (chunk as Buffer).subarray(0, left);
    const flip = (fault.flipAt ?? -1) - position;
    if (flip >= 0 && flip < part.length) part[flip] = part[flip]! ^ 1;
    position += part.length;
    left -= part.length;
    if (response.destroyed) return;
    await new Promise((written) => response.write(part, written));
    sent(part.length);
    if (left === 0) break;
  }
  if (left > 0) response.end();
  else if (fault.cutAfter === end) response.socket?.destroySoon();
}

/** Waits, or answers something else; true when that was all. */
export async function applyFault(
  { delay, status, headers }: Fault,
  response: ServerResponse,
): Promise<boolean> {
  if (delay !== undefined) await setTimeout(delay);
  if (status === undefined) return false;
  response.writeHead(status, headers).end();
  return true;
}
