// usage.json: what making an artifact took. It lies beside the artifact and is not a part of it, as no two runs take the
// same; so it stands in no manifest, and make does not look at it. It tells of the process that finished the artifact:
// what was interrupted before has not been counted.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { validate } from '../config/loadConfig.ts';
import { hasCode } from '../config/userError.ts';
import { commitJson, readJsonObject } from './jsonFile.ts';

const schema = z.object({
  /** When the process began, in ISO 8601. */
  started: z.string(),
  seconds: z.number(),
  /** The most memory that it held at a time (resident set), in bytes. */
  peak_memory: z.number(),
});

export type ResourceUse = z.infer<typeof schema>;

const NAME = 'usage.json';

/** Does the work, and notes what this process took if the artifact in `folder` was made anew by it. */
export async function withResourceUse(folder: string | undefined, work: () => Promise<void>): Promise<void> {
  if (folder === undefined) return work();
  const before = await manifestFile(folder);
  await work();
  const after = await manifestFile(folder);
  if (after !== undefined && after !== before) await commitJson(join(folder, NAME), useSoFar());
}

/** What making the artifact in `folder` took, if that is known. */
export async function readResourceUse(folder: string): Promise<ResourceUse | undefined> {
  const file = join(folder, NAME);
  const content = await readJsonObject(file);
  return content && validate(schema, content, () => file);
}

function useSoFar(): ResourceUse {
  const seconds = process.uptime();
  return {
    started: new Date(Date.now() - 1000 * seconds).toISOString(),
    seconds: Number(seconds.toFixed(1)),
    peak_memory: process.resourceUsage().maxRSS * 1024,
  };
}

/** Names the file itself: one that is committed again is another, one that is only touched is not. */
async function manifestFile(folder: string): Promise<number | undefined> {
  try {
    return (await stat(join(folder, 'manifest.json'))).ino;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}
