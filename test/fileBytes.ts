// Files compared and damaged byte by byte.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/**
 * sha256 of every file under a folder, by its path there; what differs is short enough to be shown. What a run took
 * (usage.json) is no part of what it made.
 */
export function sumsOf(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = paths.filter(
    (path) => basename(path) !== 'usage.json' && statSync(join(folder, path)).isFile(),
  );
  return Object.fromEntries(files.map((file) => [file, sha256Of(readFileSync(join(folder, file)))]));
}

/** sha256 in hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Flips a bit (the lowest by default) of the byte at `position`, a negative one being counted from the end. */
export function flipBit(file: string, position: number, { bit = 0 } = {}): void {
  const content = readFileSync(file);
  content.writeUInt8(content.at(position)! ^ (1 << bit), position < 0 ? content.length + position : position);
  writeFileSync(file, content);
}
