// The log of a stage read back: runs that ended, run still, were killed, or ran where we cannot look.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openStageLog, readStageLog } from '../../pipeline/terminal/stageLog.ts';

const KILLED = `
  import { openStageLog } from '${join(import.meta.dirname, '../../pipeline/terminal/stageLog.ts')}';
  openStageLog(process.argv[1], 'mix').note('1/2 rows');
  process.kill(process.pid, 'SIGKILL');
`;

t.test('every run by its process: killed, of another machine, ended, running', async (t) => {
  const file = join(t.testdir(), 'mix.log');
  spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', KILLED, file]);
  const elsewhere = { host: 'node-7', pid: 12, place: 'another boot', started: '5' };
  appendFileSync(
    file,
    `2026-01-01T00:00:00.000Z [12] mix: started as process ${JSON.stringify(elsewhere)}\n` +
      '2026-01-01T00:00:01.000Z [12] mix: 7/9 rows\n',
  );
  const first = openStageLog(file, 'mix');
  first.note('one');
  first.end();
  openStageLog(file, 'mix').note('Error: two\n    at its stack');
  t.match(await readStageLog(file), [
    { state: 'killed', lastLine: '1/2 rows' },
    { state: 'unknown', lastLine: '7/9 rows', process: elsewhere, started: '2026-01-01T00:00:00.000Z' },
    { state: 'ended', lastLine: 'one' },
    { state: 'running', lastLine: 'Error: two', process: { pid: process.pid } },
  ]);
});

t.test('no log, a damaged one, and one that cannot be written', async (t) => {
  const folder = t.testdir();
  t.same(await readStageLog(join(folder, 'mix.log')), []);
  writeFileSync(join(folder, 'mix.log'), '\0\n[7] mix: started as process {"pid":\n');
  t.same(await readStageLog(join(folder, 'mix.log')), []);
  const log = openStageLog(join(folder, 'mix.log', 'below', 'a file'), 'mix');
  log.note('goes nowhere');
  t.notOk(existsSync(join(folder, 'mix.log', 'below')));
});
