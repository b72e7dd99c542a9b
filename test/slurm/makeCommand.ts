// `make` as a person runs it in a terminal: it and all that it starts are one process group, which Ctrl-C interrupts and
// a lost connection ends. What it says is shown as it comes, and can be waited for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { show } from '../real/figures.ts';

export interface MakeCommand {
  /** Resolves when it has ended, with its exit code and all lines of stdout and stderr. */
  ended: Promise<{ code: number | null; lines: string[] }>;
  /** Waits for the first line that matches. @throws Error when it ends without one. */
  said: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Sends a signal to the group. */
  signal: (name: NodeJS.Signals) => void;
}

/** Starts make; `shown` and `env` are told, `paths` are too long for that. */
export function startMake(
  shown: string[],
  { paths, env = {} }: { paths: string[]; env?: Record<string, string> },
): MakeCommand {
  const settings = Object.entries(env).map((pair) => `${pair.join('=')} `);
  show(`$ ${settings.join('')}make ${shown.join(' ')}`);
  const child = spawn('make', ['--no-print-directory', ...shown, ...paths], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, MAKEFLAGS: '', MAKELEVEL: '0', ...env },
    detached: true,
  });
  const lines: string[] = [];
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (!line.startsWith('node ')) show(line); // the command itself, which make prints
    });
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    ended: closed.then(([code]) => ({ code, lines })),
    said: async (pattern) => {
      for (;;) {
        const found = lines.map((line) => pattern.exec(line)).find((match) => match !== null);
        if (found) return found;
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`make ended without ${pattern}: ${lines.join('\n')}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    signal: (name) => process.kill(-child.pid!, name),
  };
}
