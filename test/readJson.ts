// Golden values and other JSON files; the caller says what it expects.
import { readFileSync } from 'node:fs';

/** The content of a file, named from the root of the repository. */
export function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
