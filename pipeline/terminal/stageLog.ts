// The log file of a stage: every line that it tells, with time and process, from all the times it was run. Several
// processes may write to one (shares of the logits), so lines are appended one by one, and a run is what one process
// wrote between the line that says who it is and the one that says it has ended. A killed process leaves no such line.
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { findText } from '../artifact/optionalFiles.ts';
import { markOfThisProcess, runsStill, type ProcessMark } from '../artifact/runningProcess.ts';

export interface StageLog {
  note: (line: string) => void;
  /** Notes that the stage is over, well or not. */
  end: () => void;
}

/** What a process wrote to a log. */
export interface LoggedRun {
  process: ProcessMark;
  /** ISO 8601. */
  started: string;
  /** What it told last, without the stage's name. */
  lastLine: string | undefined;
  /** `unknown` for one that did not end and whose machine cannot be asked. */
  state: 'ended' | 'running' | 'killed' | 'unknown';
}

const STARTED = 'started as process ';
const ENDED = 'ended';

/** Opens the log of the stage `name`; a place that cannot be written to is no reason to stop. */
export function openStageLog(file: string, name: string): StageLog {
  let isWritable = true;
  const note = (line: string) => {
    if (!isWritable) return;
    try {
      mkdirSync(dirname(file), { recursive: true });
      appendFileSync(file, `${new Date().toISOString()} [${process.pid}] ${name}: ${line}\n`);
    } catch {
      isWritable = false;
    }
  };
  note(STARTED + JSON.stringify(markOfThisProcess()));
  return { note, end: () => note(ENDED) };
}

const markSchema = z.object({ host: z.string(), pid: z.int(), place: z.string(), started: z.string() });

/** The runs in a log, in the order they were started; none where there is no log. */
export async function readStageLog(file: string): Promise<LoggedRun[]> {
  const runs: LoggedRun[] = [];
  for (const line of ((await findText(file)) ?? '').split('\n')) {
    const [, time, pid, text] = /^(\S+) \[(\d+)\] \w+: (.*)$/.exec(line) ?? [];
    if (time === undefined || text === undefined) continue; // a stack, or half a line
    const mark = text.startsWith(STARTED) ? parseMark(text.slice(STARTED.length)) : undefined;
    if (mark) runs.push({ process: mark, started: time, lastLine: undefined, state: stateOf(mark) });
    const run = runs.findLast(({ process }) => process.pid === Number(pid));
    if (!run || mark) continue;
    if (text === ENDED) run.state = 'ended';
    else run.lastLine = text;
  }
  return runs;
}

function parseMark(text: string): ProcessMark | undefined {
  try {
    return markSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function stateOf(mark: ProcessMark): LoggedRun['state'] {
  const runs = runsStill(mark);
  return runs === undefined ? 'unknown' : runs ? 'running' : 'killed';
}
