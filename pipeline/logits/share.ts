// A share of the work on a logits cache: 3/16 makes every 16th shard of the plan, from the third on. Who has finished
// one leaves manifest-3-of-16.json; the run that finishes the whole removes them.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findNames } from '../artifact/optionalFiles.ts';
import { UserError } from '../config/userError.ts';

/** The part of the work that one of `of` processes does, the first being 1. */
export interface Share {
  part: number;
  of: number;
}

/** Reads `i/n` as `--shard` gives it. @throws UserError unless 1 <= i <= n. */
export function parseShare(text: string): Share {
  const [part = 0, of = 0] = /^\d+\/\d+$/.test(text) ? text.split('/').map(Number) : [];
  if (part >= 1 && part <= of) return { part, of };
  throw new UserError({
    field: '--shard',
    value: text,
    problem: 'expected i/n with 1 <= i <= n, such as 1/8',
  });
}

/** Reads the number of shares. @throws UserError unless it is a positive whole number. */
export function parseShareCount(field: string, text = ''): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UserError({ field, value: text, problem: 'expected the number of shares, such as 8' });
}

/** The part, of `of`, that makes the `index`-th shard of the plan. */
export function partOf(index: number, of: number): number {
  return (index % of) + 1;
}

export function shareManifest({ part, of }: Share): string {
  return `manifest-${part}-of-${of}.json`;
}

/** The names of what finished shares left in the folder of the cache. */
export async function findShareManifests(folder: string): Promise<string[]> {
  return ((await findNames(folder)) ?? []).filter((name) => /^manifest-\d+-of-\d+\.json$/.test(name));
}

export async function removeShareManifests(folder: string): Promise<void> {
  for (const name of await findShareManifests(folder)) await rm(join(folder, name), { force: true });
}
