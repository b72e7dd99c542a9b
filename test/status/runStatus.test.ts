// make status beside the real Makefile: what it says of a run before, during and after its stages, and after a change.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { markOfThisProcess } from '../../pipeline/artifact/runningProcess.ts';
import { makeProject } from '../setup/makeProject.ts';

const root = join(import.meta.dirname, '../..');
const tsx = join(root, 'node_modules/tsx/dist/loader.mjs');

/** What stages/status.ts prints in a folder, a line each, with times of day as T. */
function statusIn(folder: string, ...flags: string[]): string[] {
  const script = ['--import', tsx, join(root, 'stages/status.ts'), '--run', 'data/runs/r', ...flags];
  const text = execFileSync(process.execPath, script, { cwd: folder, encoding: 'utf8' });
  return text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, 'T').replaceAll(/ +/g, ' '));
}

t.test('before, during and after', (t) => {
  const { folder, make, touch } = makeProject(t);
  const run = join(folder, 'data/runs/r');
  t.same(statusIn(folder), [
    'artifact made MB took state',
    ...['fetch', 'mix', 'teacher', 'logits', 'train main', 'eval before', 'eval main', 'report'].map(
      (name) => `${name} missing`,
    ),
    'next make: fetch, mix, teacher, logits, train main, eval before, eval main, report ' +
      '(no figure yet for fetch, mix, teacher, logits, train main, eval before, eval main, report)',
  ]);

  make('logits');
  const usage = { started: '2026-01-01T00:00:00Z', seconds: 100, peak_memory: 1e9 };
  writeFileSync(join(run, 'logits/usage.json'), JSON.stringify(usage));
  mkdirSync(join(run, 'train'));
  const started = `2026-01-01T00:00:00Z [${process.pid}] train: started as process ${JSON.stringify(markOfThisProcess())}\n`;
  writeFileSync(
    join(run, 'train/main.log'),
    `${started}2026-01-01T00:00:01Z [${process.pid}] train: step 3/9\n`,
  );
  const during = statusIn(folder);
  t.equal(during[4], 'logits T 0.0 1 min 40 s made');
  t.equal(during[5], `train main being made: process ${process.pid}: step 3/9`);

  rmSync(join(run, 'train/main.log'));
  make();
  make('train', 'RUN=slow');
  const after = statusIn(folder, '--student', 'slow');
  t.same(
    after.filter((line) => / (missing|stale)/.test(line)),
    ['eval slow missing', 'report T 0.0 stale: data/runs/r/eval/slow/comparison.json will be made first'],
  );
  t.equal(after.at(-1), 'next make: eval slow, report (no figure yet for eval slow, report)');

  touch('data/recipes/r/logits.yaml');
  const stale = statusIn(folder);
  t.equal(stale[4], 'logits T 0.0 1 min 40 s stale: data/recipes/r/logits.yaml is newer');
  t.match(
    stale.at(-1),
    /^next make: logits, train main, .* \(about 1 min 40 s; no figure yet for train main, /,
  );
  t.end();
});

t.test('a killed stage is called interrupted, with what it told last', (t) => {
  const { folder, make } = makeProject(t);
  make('mix');
  const mark = { ...markOfThisProcess(), started: 'another process with our id' };
  const log =
    `2026-01-01T00:00:00Z [${mark.pid}] teacher: started as process ${JSON.stringify(mark)}\n` +
    `2026-01-01T00:00:09Z [${mark.pid}] teacher: 3/30 model.safetensors\n`;
  writeFileSync(join(folder, 'data/runs/r/teacher.log'), log);
  t.equal(statusIn(folder)[3], 'teacher interrupted: 3/30 model.safetensors');
  t.end();
});
