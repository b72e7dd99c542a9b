// The name that git gives a file's content, by which the Hub lists files that are not LFS files: the sha1 of "blob SIZE",
// a zero byte and the content.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** A hash to be fed the `bytes` bytes of the content. */
export function gitBlobHash(bytes: number): Hash {
  return createHash('sha1').update(`blob ${bytes}\0`);
}

/** sha1 in hex of `bytes` bytes of content. */
export async function gitBlobSha1(
  content: { bytes: number } & ({ file: string } | { text: string }),
): Promise<string> {
  const hash = gitBlobHash(content.bytes);
  if ('text' in content) return hash.update(content.text).digest('hex');
  for await (const chunk of createReadStream(content.file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
