// What a stage shows of its lines on a terminal, in a pipe and at each LOG_LEVEL, and what its log file holds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { UserError } from '../../pipeline/config/userError.ts';
import { logLevel, stageProgress, type LogLevel } from '../../pipeline/terminal/stageProgress.ts';
import { openStageLog, readStageLog } from '../../pipeline/terminal/stageLog.ts';
import { runStage } from '../runStage.ts';

/** A stage whose screen is a list and whose clock stands until it is told to go on. */
function scene(t: Test, { level = 'info', isTerminal = false }: { level?: LogLevel; isTerminal?: boolean }) {
  const shown: string[] = [];
  let seconds = 0;
  const draw = Object.assign((line: string) => shown.push(`drawn ${line}`), {
    done: () => shown.push('kept'),
  });
  const logFile = join(t.testdir(), 'run', 'mix.log');
  const output = {
    write: (text: string) => shown.push(text),
    draw: isTerminal ? draw : undefined,
    now: () => 1000 * seconds,
    memory: () => 1.5e9,
  };
  const log = openStageLog(logFile, 'mix');
  const stage = stageProgress({ name: 'mix', log, level, output });
  return { ...stage, shown, logFile, wait: (more: number) => (seconds += more) };
}

t.test('in a pipe: every event, the pace every 30 seconds, and its last line at the end', (t) => {
  const { progress, end, shown, wait } = scene(t, {});
  for (let done = 1; done <= 7; done++) {
    wait(10);
    progress(`${done}/7 rows`, 'pace');
    if (done === 4) progress('one source is done');
  }
  end();
  end();
  const pace = (done: number) => `mix: ${done}/7 rows, 1.50 GB\n`;
  t.same(shown, [pace(3), 'mix: one source is done\n', pace(6), pace(7)]);
  t.end();
});

t.test('on a terminal: the pace is drawn over itself, and stays before an event and at the end', (t) => {
  const { progress, end, shown } = scene(t, { isTerminal: true });
  progress('1/2 rows', 'pace');
  progress('2/2 rows', 'pace');
  progress('one source is done');
  progress('1/9 rows', 'pace');
  end();
  const drawn = (text: string) => `drawn mix: ${text} rows, 1.50 GB`;
  t.same(shown, [drawn('1/2'), drawn('2/2'), 'kept', 'mix: one source is done\n', drawn('1/9'), 'kept']);
  t.end();
});

t.test('LOG_LEVEL=debug shows every line at once, LOG_LEVEL=error none', (t) => {
  for (const [level, count] of [
    ['debug', 4],
    ['error', 0],
  ] as const) {
    const { progress, end, shown } = scene(t, { level });
    for (const done of [1, 2, 3]) progress(`${done}/3 rows`, 'pace');
    progress('done');
    end();
    t.equal(shown.length, count, level);
  }
  t.throws(() => logLevel('loud'), {
    message: 'LOG_LEVEL = "loud": expected one of error, info, debug',
  });
  t.end();
});

t.test('the log holds every line, whatever is shown, and errors with their causes', async (t) => {
  const { progress, logError, logFile, end } = scene(t, { level: 'error' });
  progress('1/2 rows', 'pace');
  progress('done');
  const [running] = await readStageLog(logFile);
  t.match(running, { state: 'running', lastLine: 'done', process: { pid: process.pid } });
  logError(new UserError('the disk is full', { cause: new Error('ENOSPC') }));
  end();
  t.match(await readStageLog(logFile), [{ state: 'ended', lastLine: 'UserError: the disk is full' }]);
  const log = readFileSync(logFile, 'utf8').split('\n');
  t.match(
    log[1],
    new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z \\[${process.pid}\\] mix: 1/2 rows, 1\\.50 GB$`),
  );
  t.ok(log.some((line) => line.startsWith('caused by Error: ENOSPC')));
});

t.test('a stage names its log after its artifact, and shows stacks only at LOG_LEVEL=debug', async (t) => {
  const folder = t.testdir();
  const config = 'data/recipes/smollm2/mix.yaml';
  const mix = () => runStage('mix', { config, tokenizer: join(folder, 'none'), out: join(folder, 'mix.v2') });
  await t.rejects(mix(), { code: 1, stderr: /^mix: [^\n]+\n$/ });
  t.match(readFileSync(join(folder, 'mix.v2.log'), 'utf8'), /\] mix: UserError: .*\n +at /);
  process.env.LOG_LEVEL = 'debug';
  t.teardown(() => delete process.env.LOG_LEVEL);
  await t.rejects(mix(), { code: 1, stderr: /^mix: UserError: [^\n]+\n +at / });
  process.env.LOG_LEVEL = 'loud';
  await t.rejects(mix(), { code: 1, stderr: /^mix: LOG_LEVEL = "loud": [^\n]+\n$/ });
});
