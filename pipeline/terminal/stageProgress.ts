// What a stage tells while it works: lines that stay, and the pace of long work (how much is done, how fast, time left),
// in one form for all stages. On a terminal the pace is one line, redrawn in place; in a pipe or in CI it is a plain line
// every 30 seconds, without control characters. All of it goes into the stage's log file, whatever is shown.
import { createLogUpdate } from 'log-update';
import { UserError } from '../config/userError.ts';
import { gigabytes } from './gigabytes.ts';
import type { StageLog } from './stageLog.ts';

/** Tells a line. One of the kind `pace` says how far the work is, and is replaced by the next. */
export type Progress = (line: string, kind?: 'pace') => void;

/** `error`: only what ends the stage; `debug`: every line as it comes, errors with their stack. */
const logLevels = ['error', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface StageProgress {
  progress: Progress;
  /** Puts an error into the log file, with its stack and causes. */
  logError: (error: unknown) => void;
  /** Shows the last line of pace if it is still waiting for its turn, and closes the log. */
  end: () => void;
}

/** Where the lines go; a test has its own. */
export interface ProgressOutput {
  write: (text: string) => void;
  /** Draws a line over the one drawn before; undefined where the output is no terminal. */
  draw: { (line: string): void; done: () => void } | undefined;
  now: () => number;
  memory: () => number;
}

const SECONDS_BETWEEN_PLAIN_LINES = 30;

/** Work may tell its pace a thousand times a second. */
const SECONDS_BETWEEN_DRAWN_LINES = 0.1;
const SECONDS_BETWEEN_LOGGED_LINES = 1;

/**
 * @param log gets every line.
 * @param level what is shown.
 */
export function stageProgress({
  name,
  log,
  level = logLevel(),
  output = terminal(),
}: {
  name: string;
  log?: StageLog | undefined;
  level?: LogLevel;
  output?: ProgressOutput;
}): StageProgress {
  const pace = paceLine(output);
  const isLogged = everySeconds(SECONDS_BETWEEN_LOGGED_LINES, output);
  return {
    progress: (line, kind) => {
      const whole = kind === 'pace' ? `${line}, ${gigabytes(output.memory())}` : line;
      if (kind !== 'pace' || isLogged()) log?.note(whole);
      if (level === 'error') return;
      const shown = `${name}: ${whole}`;
      if (kind === 'pace' && level !== 'debug') return pace.show(shown);
      pace.makeWay();
      output.write(`${shown}\n`);
    },
    logError: (error) => log?.note(stackOf(error)),
    end: () => {
      pace.rest();
      log?.end();
    },
  };
}

/** The line of pace on the screen, or the one that waits for its turn in a pipe. */
function paceLine(output: ProgressOutput) {
  const { draw } = output;
  let waiting: string | undefined;
  const isDue = draw
    ? everySeconds(SECONDS_BETWEEN_DRAWN_LINES, output)
    : everySeconds(SECONDS_BETWEEN_PLAIN_LINES, output, output.now());
  return {
    show: (line: string) => {
      waiting = line;
      if (!isDue()) return;
      if (draw) return draw(line);
      output.write(`${line}\n`);
      waiting = undefined;
    },
    /** Before a line of another kind, which tells more than a pace that was not due. */
    makeWay: () => {
      if (waiting !== undefined && draw) keep(draw, waiting);
      waiting = undefined;
    },
    rest: () => {
      if (waiting === undefined) return;
      if (draw) keep(draw, waiting);
      else output.write(`${waiting}\n`);
      waiting = undefined;
    },
  };
}

function keep(draw: NonNullable<ProgressOutput['draw']>, line: string): void {
  draw(line);
  draw.done();
}

/** True when so many seconds have passed since it was last true, or since `start`; without one at once. */
function everySeconds(seconds: number, { now }: ProgressOutput, start = -Infinity): () => boolean {
  let last = start;
  return () => {
    const isDue = now() - last >= 1000 * seconds;
    if (isDue) last = now();
    return isDue;
  };
}

/** @throws UserError for a LOG_LEVEL that is none. */
export function logLevel(value = process.env.LOG_LEVEL || 'info'): LogLevel {
  const level = logLevels.find((each) => each === value);
  if (level) return level;
  throw new UserError({ field: 'LOG_LEVEL', value, problem: `expected one of ${logLevels.join(', ')}` });
}

function terminal(): ProgressOutput {
  return {
    write: (text) => process.stderr.write(text),
    // With a hidden cursor it would listen to signals, and end a stage that wants to save first.
    draw: process.stderr.isTTY ? createLogUpdate(process.stderr, { showCursor: true }) : undefined,
    now: () => performance.now(),
    memory: () => process.memoryUsage.rss(),
  };
}

/** The stack of an error and of what caused it. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
