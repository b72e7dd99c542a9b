// Stages as make runs them: in a process of their own, with flags by name.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

/** What Node is given to run `stages/STAGE.ts`. */
export function stageArguments(stage: string, flags: Record<string, string>): string[] {
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  return ['--import', 'tsx', `stages/${stage}.ts`, ...given];
}

/** Runs a stage to its end; rejects with `code`, `stdout` and `stderr` when it fails. */
export function runStage(
  stage: string,
  flags: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, stageArguments(stage, flags));
}

/** Starts a stage whose stderr can be watched: it tells every line as it comes. */
export function watchStage(stage: string, flags: Record<string, string>) {
  const child = spawn(process.execPath, stageArguments(stage, flags), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LOG_LEVEL: 'debug' },
  });
  child.stderr.setEncoding('utf8');
  return child;
}
