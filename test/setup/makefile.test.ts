// The Makefile with a stand-in for every stage, in a folder of its own: what runs, what does not, and what is refused.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeProject, root, stages } from './makeProject.ts';

t.test('runs every stage in order, with its paths, and then nothing', (t) => {
  const { make } = makeProject(t);
  const first = make();
  t.same(first.stages, ['fetch', 'mix', 'teacher', 'logits', 'eval', 'train', 'eval', 'report']);
  t.match(
    first.calls[5],
    /^stages\/train.ts --config data\/recipes\/r\/train.yaml --mix data\/runs\/r\/mix /,
  );
  t.match(make().output, /Nothing to be done/);
  t.same(make('-n').stages, []);
  t.same(
    make('train', 'RUN=other').stages,
    ['train'],
    'another run of the student keeps what it starts from',
  );
  t.end();
});

t.test('runs what a changed file concerns, and only that', (t) => {
  const { make, touch } = makeProject(t);
  make('-j4');
  touch('data/recipes/r/train.yaml');
  t.same(make().stages, ['train', 'eval', 'report']);
  touch('data/runs/r/teacher/manifest.json');
  t.same(make('logits').stages, ['logits']);
  touch('node_modules/@tensorflow/tfjs-node-gpu/setup.json');
  t.same(make('logits').stages, [], 'set-up makes nothing stale');
  t.end();
});

t.test('eval compares with the scores before, and evaluates the teacher when asked to', (t) => {
  const { make } = makeProject(t);
  make();
  t.match(
    make('eval', 'RUN=other').calls.at(-1),
    / --model .*\/other\/model --before data\/runs\/r\/eval\/before$/,
  );
  const { calls } = make('eval', 'EVAL_TEACHER=1');
  t.match(calls, [/ --out data\/runs\/r\/eval\/teacher .*--model data\/runs\/r\/teacher$/]);
  t.same(make('eval', 'EVAL_TEACHER=1').stages, []);
  t.end();
});

t.test('ARGS reach the stage asked for, and run it again only when they changed', (t) => {
  const { make, stored } = makeProject(t);
  make();
  const slow = ['RUN=slow', `ARGS=--learning-rate 2e-5 --note "it's, (so)"`];
  t.match(make('-n', 'train', ...slow).output, `--learning-rate 2e-5 --note "it's, (so)"`);
  t.notOk(existsSync(stored('train-slow')), 'a dry run stores nothing');
  t.match(make('train', ...slow).calls[0], / --learning-rate 2e-5 --note it's, \(so\)$/);
  t.same(make('train', ...slow).stages, [], 'the same again: nothing');
  t.same(make('eval', 'RUN=slow').stages, ['eval'], 'a later stage leaves them alone');
  t.match(
    make('eval', 'RUN=slow', 'ARGS=--limit 9').calls,
    [/ --limit 9 /, / --limit 9 /],
    'before and after',
  );
  t.match(
    make('report').calls[0],
    / --limit 9 --model .*\/main\/model --before /,
    'all scores are taken alike',
  );
  t.same(make('train').stages, [], 'the other run has none');
  t.same(make('train', 'RUN=slow').stages, ['train'], 'asked for without ARGS: back to none');
  t.same(make('train', 'RUN=slow').stages, []);
  t.end();
});

t.test('stored ARGS hold when a stage runs for another reason', (t) => {
  const { make, touch } = makeProject(t);
  make('mix', 'ARGS=--samples 5');
  touch('data/recipes/r/mix.yaml');
  t.match(make('logits').calls.join('\n'), /stages\/mix.ts .* --samples 5\n/);
  t.end();
});

t.test('a stage that failed with new ARGS is not taken for done', (t) => {
  const { make, folder } = makeProject(t);
  make('train');
  writeFileSync(join(folder, 'fail'), '');
  make('train', 'ARGS=--x 1');
  rmSync(join(folder, 'fail'));
  t.match(make('train', 'ARGS=--x 1').calls, [/ --x 1$/]);
  t.end();
});

t.test('ARGS that a stage refuses are not stored, so that a plain make goes on as before', (t) => {
  const { make, folder, stored } = makeProject(t);
  make('train', 'ARGS=--x 1');
  writeFileSync(join(folder, 'refuse'), '');
  t.match(make('train', 'ARGS=--y 1').errors, /Error 1/);
  t.same(make('train', 'ARGS=--x 1').stages, [], 'the old ones still hold');
  t.equal(readFileSync(stored('train-main'), 'utf8'), '--x 1\n');
  t.end();
});

t.test('LAUNCH and SHARDS choose how the logits are made, and make nothing stale', (t) => {
  const { make, touch } = makeProject(t);
  make();
  t.same(make('LAUNCH=local', 'SHARDS=4').stages, []);
  touch('data/recipes/r/logits.yaml');
  t.match(make('logits', 'LAUNCH=slurm', 'SHARDS=16', 'ARGS=--top-k 9').calls, [
    /^stages\/launch.ts --launch slurm --shards 16 --config .*\/logits.yaml .* --top-k 9$/,
  ]);
  t.same(make('logits', 'LAUNCH=local', 'SHARDS=2', 'ARGS=--top-k 9').stages, []);
  t.same(make('logits', 'ARGS=--top-k 9').stages, []);
  t.end();
});

t.test('refuses what it cannot place, in one line', (t) => {
  const { make } = makeProject(t);
  for (const goals of [[], ['test'], ['mix', 'train']])
    t.match(make(...goals, 'ARGS=--x 1').errors, /^Makefile:\d+: \*\*\* ARGS is for one stage: .*\n$/);
  t.match(
    make('RECIPE=none').errors,
    /^Makefile:\d+: \*\*\* no recipe "none" in data\/recipes; .*: r\. .*\n$/,
  );
  for (const words of [['LAUNCH=pbs', 'SHARDS=4'], ['SHARDS=4']])
    t.match(
      make(...words).errors,
      /^Makefile:\d+: \*\*\* LAUNCH="(pbs)?": expected slurm or local, with SHARDS, .*\n$/,
    );
  for (const words of [['SHARDS=0'], ['SHARDS=four'], ['SHARDS=2 3'], []])
    t.match(
      make('LAUNCH=local', ...words).errors,
      /^Makefile:\d+: \*\*\* SHARDS=".*": expected the number of shares, such as SHARDS=8\. .*\n$/,
    );
  t.match(make('clean', 'RECIPE=').errors, /no recipe ""/, 'clean never removes all runs');
  t.end();
});

t.test('clean removes the runs of the recipe', (t) => {
  const { make, folder } = makeProject(t);
  make('mix', 'ARGS=--samples 5');
  make('clean');
  t.notOk(existsSync(join(folder, 'data/runs/r')));
  t.ok(existsSync(join(folder, 'data/recipes/r')));
  t.end();
});

t.test('Node packages are installed anew only for another lock file', (t) => {
  const { make, folder, touch } = makeProject(t);
  writeFileSync(join(folder, 'npm'), '#!/bin/sh\necho npm "$@"\n', { mode: 0o755 });
  touch('package-lock.json');
  t.same(make('doctor').output, '', 'the same content with another date');
  writeFileSync(join(folder, 'package-lock.json'), '{"lockfileVersion": 3}');
  t.equal(make('doctor').output, 'npm ci --no-audit --no-fund\n');
  t.equal(make('doctor').output, '');
  rmSync(join(folder, 'npm'));
  rmSync(join(folder, 'node_modules/.installed-lock.json'));
  t.match(
    make('doctor', 'SHELL=/bin/sh', 'PATH=.').errors,
    /^setup: npm not found; install Node.js 20.19 or later\n/,
  );
  t.end();
});

t.test('help names every target', (t) => {
  const { make } = makeProject(t);
  const named = Array.from(make('help').output.matchAll(/^ {2}([\w-]+) /gm), (match) => match[1]);
  const phony = /^\.PHONY: (.*)$/m.exec(readFileSync(join(root, 'Makefile'), 'utf8'))?.[1] ?? '';
  const targets = phony.replace('$(stages)', stages.join(' ')).replace(' FORCE', '').split(' ');
  t.same(named.sort(), targets.sort());
  t.end();
});
