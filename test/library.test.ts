// What README shows to those who bring their own code: the example in TypeScript, compiled and run against the built
// package by its name, and the readers in Python, on a small run whose folders are named as README names them.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { dumpLogits } from '../pipeline/logits/dumpLogits.ts';
import { logitsConfig } from '../pipeline/logits/logitsConfig.ts';
import { writeMixParquet } from '../pipeline/mix/mixParquet.ts';
import { python, withoutModules } from './needs.ts';
import { makeTinyModel } from './tinyModel.ts';
import { randomSamples, writeTinyMix } from './tinyMix.ts';

const root = join(import.meta.dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'gm'))].map((match) => match[1]!);
const execute = promisify(execFile);

const project = t.testdir();
const run = join(project, 'data/runs/smollm2');

t.before(async () => {
  await makeTinyModel(join(run, 'teacher'));
  const samples = randomSamples(6);
  await writeTinyMix(join(run, 'mix'), { tokenizer: join(run, 'teacher'), samples });
  const rows = samples.map(({ id, source, split, tokenIds }, row) => ({
    ...{ id, source, split, row, file: 'made-up.jsonl', prompt: 'a question', response: 'an answer' },
    token_count: tokenIds.length,
  }));
  await writeMixParquet(join(run, 'mix'), rows);
  const config = logitsConfig.parse({ top_k: 8, mass: 1, precision: 'float32' });
  await dumpLogits({
    config,
    mix: join(run, 'mix'),
    teacher: join(run, 'teacher'),
    out: join(run, 'logits'),
  });
});

t.test('the example in TypeScript: types, and the same probability cached and live', async (t) => {
  const [example, ...others] = blocks('ts');
  t.same(others, []);
  await execute('make', ['build'], { cwd: root, env: { ...process.env, MAKEFLAGS: '' } });
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
  symlinkSync(root, join(project, 'node_modules/redistill'));
  symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'example.ts'), example!);
  const options = ['--strict', '--noEmit', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
  await execute(join(root, 'node_modules/.bin/tsc'), [...options, 'example.ts'], { cwd: project });
  const tsx = join(root, 'node_modules/tsx/dist/loader.mjs');
  const { stdout } = await execute(process.execPath, ['--import', tsx, 'example.ts'], { cwd: project });
  const [, cached, live] = /^cached: ".*" with p = (\S+), first of 8\nlive: p = (\S+)\n$/s.exec(stdout) ?? [];
  t.ok(Math.abs(Number(cached) - Number(live)) <= 2e-4, stdout);
});

const printed = [/odd[^]* tokens are learned/, /^[0-9a-f]{32} \[/];
const skip = withoutModules('pandas', 'pyarrow');
for (const [i, reader] of blocks('python').entries())
  t.test(`reader ${i + 1} in Python`, { skip }, async (t) => {
    const { stdout } = await execute(python, ['-c', reader], { cwd: project });
    t.match(stdout, printed[i]!);
  });
