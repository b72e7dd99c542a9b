// A process whose words go to a log file as they come, and line by line to whoever started it.
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';

export interface LoggedProcess {
  log: string;
  env?: NodeJS.ProcessEnv;
  /** Ends the process. */
  signal: AbortSignal;
  /** Told each line of its stderr. */
  progress: (line: string) => void;
}

/** Runs a program to its end; how it ended, if badly, is the last line of the log. */
export async function runLogged(
  [command, ...args]: readonly string[],
  { log, env = process.env, signal, progress }: LoggedProcess,
): Promise<{ ok: boolean; stdout: string }> {
  const file = createWriteStream(log, { flags: 'a' });
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'], env, signal });
  createInterface({ input: child.stderr }).on('line', (line) => {
    file.write(`${line}\n`);
    progress(line);
  });
  child.stdout.pipe(file, { end: false });
  const [stdout, { code, killedBy }] = await Promise.all([text(child.stdout), endOf(child)]);
  if (code !== 0) file.write(killedBy ? `ended by ${killedBy}\n` : `ended with exit code ${code}\n`);
  file.end();
  await finished(file);
  return { ok: code === 0, stdout };
}

interface End {
  code: number | null;
  killedBy: NodeJS.Signals | null;
}

/** Waits for "close", which also follows the "error" of a process that was ended by the signal or never came to be. */
function endOf(child: ChildProcess): Promise<End> {
  child.on('error', () => undefined);
  return new Promise((resolve) => child.once('close', (code, killedBy) => resolve({ code, killedBy })));
}
