// make for a recipe and a run that lie anywhere, as the tests of the whole chain need it.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Runs make in the project; gives the names of the stages that ran, in order, and what they said. */
export async function runMake(
  words: readonly string[],
  { recipe, run, env }: { recipe: string; run: string; env: Record<string, string> },
): Promise<{ stages: string[]; stderr: string }> {
  const { stdout, stderr } = await promisify(execFile)('make', [...words, `recipe=${recipe}`, `run=${run}`], {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, MAKEFLAGS: '', ...env },
  });
  return { stages: [...stdout.matchAll(/stages\/(\w+)\.ts/g)].map((match) => match[1]!), stderr };
}
