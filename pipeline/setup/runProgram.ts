// Runs another program (pip, the compiler, npm) to its end. Its stdout is captured, or shown on our stderr as
// progress, since our own stdout is for results.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { hasCode } from '../config/userError.ts';

/** How a program ended; `code` is null when a signal ended it. */
export interface ProgramResult {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs `command` and waits.
 * @param showProgress passes its stdout on to our stderr instead of capturing it.
 * @returns undefined when there is no such program.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  {
    showProgress = false,
    cwd,
    env = process.env,
  }: { showProgress?: boolean; cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<ProgramResult | undefined> {
  const child = spawn(command, args, { stdio: ['ignore', showProgress ? 2 : 'pipe', 'pipe'], cwd, env });
  try {
    const [ended, stdout, stderr] = await Promise.all([
      once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>,
      child.stdout ? text(child.stdout) : '',
      child.stderr ? text(child.stderr) : '',
    ]);
    return { code: ended[0], signal: ended[1], stdout, stderr };
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}
