// The content of a JSON file as it streams in: unpacked, and without a byte order mark.
import { createReadStream } from 'node:fs';
import * as zlib from 'node:zlib';
import { UserError } from '../config/userError.ts';
import { unreadable } from './unreadable.ts';

/** Bytes taken at a time. */
const chunkBytes = 1 << 20;

/** The file's content in chunks, unpacked when its name ends in .gz or .zst. */
export function jsonBytes(file: string): AsyncGenerator<Buffer> {
  return withoutMark(bytesOf(file));
}

async function* bytesOf(file: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(file, { highWaterMark: chunkBytes });
  const unpack = unpackerOf(file);
  try {
    yield* (
      unpack ? stream.on('error', (error) => unpack.destroy(error)).pipe(unpack) : stream
    ) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unpack ? unreadable(file, 'cannot be unpacked', error) : error;
  } finally {
    stream.destroy();
  }
}

function unpackerOf(file: string): zlib.Gunzip | undefined {
  if (file.endsWith('.gz')) return zlib.createGunzip({ chunkSize: chunkBytes });
  if (!file.endsWith('.zst')) return undefined;
  const { createZstdDecompress } = zlib as { createZstdDecompress?: () => zlib.Gunzip };
  if (createZstdDecompress) return createZstdDecompress();
  throw new UserError({
    file,
    problem: 'Node.js before 22.15 cannot unpack zstd',
    remedy: 'unpack it, or use gzip',
  });
}

/** Leaves out a byte order mark. */
async function* withoutMark(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const chunk of chunks) {
    const marked = isFirst && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    yield marked ? chunk.subarray(3) : chunk;
    isFirst = false;
  }
}
