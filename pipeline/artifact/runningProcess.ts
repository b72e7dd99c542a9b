// Whether a process that left its id in a file still runs. An id is used again after a while, and means something only
// on its own machine (in its own container), so the time it started and the place it counts in are kept with it.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { hasCode } from '../config/userError.ts';

/** A process as another one can recognize it. */
export interface ProcessMark {
  host: string;
  pid: number;
  /** Where the id counts: this boot of this machine, this namespace of ids. */
  place: string;
  /** In ticks since the boot, as Linux keeps it; empty elsewhere. */
  started: string;
}

export function markOfThisProcess(): ProcessMark {
  const { pid } = process;
  return { host: hostname(), pid, place: placeOfIds(), started: startOf(pid) };
}

/** Whether a process runs, or undefined for one whose id does not count here. */
export function runsStill({ pid, place, started }: ProcessMark): boolean | undefined {
  return place === placeOfIds() ? isRunning(pid) && startOf(pid) === started : undefined;
}

/** Whether there is a process with this id on this machine. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return !hasCode(error, 'ESRCH');
  }
}

function placeOfIds(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** Field 22 of /proc/PID/stat; the name, in parentheses, may hold anything. */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
