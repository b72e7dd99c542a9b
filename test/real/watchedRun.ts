// Scripts run to their end, with the time and the most memory that they took.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Runs a script to its end and watches how much memory it takes. @throws Error when it fails. */
export async function watchedRun(script: string[]): Promise<{ seconds: number; peakBytes: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, script, { stdio: ['ignore', 'ignore', 'inherit'] });
  let peakBytes = 0;
  const timer = setInterval(() => {
    peakBytes = Math.max(peakBytes, peakOf(child.pid!) ?? 0);
  }, 50);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(timer);
  if (code !== 0) throw new Error(`${script.join(' ')} failed`);
  return { seconds: (performance.now() - started) / 1000, peakBytes };
}

/** The most memory a process ever had, as the kernel counts it; undefined when it has ended. */
export function peakOf(pid: number | 'self'): number | undefined {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined;
  }
}
