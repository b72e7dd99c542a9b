// Every recipe: its files fit their schemas and one another, make knows it, and what its original published is of tasks
// that it evaluates.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { z } from 'zod';
import { loadConfig } from '../../pipeline/config/loadConfig.ts';
import { evalConfig } from '../../pipeline/eval/evalConfig.ts';
import { readExpectedScores } from '../../pipeline/eval/expectedScores.ts';
import { expandTasks, taskCatalog } from '../../pipeline/eval/prompts/taskCatalog.ts';
import { parseReference } from '../../pipeline/hub/reference.ts';
import { sourcesConfig } from '../../pipeline/hub/sourcesConfig.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { mixConfig } from '../../pipeline/mix/mixConfig.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';

const ROOT = 'data/recipes';

for (const name of readdirSync(ROOT)) {
  const recipe = join(ROOT, name);
  const load = <S extends z.ZodObject>(schema: S, stage: string) =>
    loadConfig(schema, { file: join(recipe, `${stage}.yaml`) });

  t.test(`${name}: the files of its stages fit together`, async (t) => {
    const sources = await load(sourcesConfig, 'sources');
    const mix = await load(mixConfig, 'mix');
    const logits = await load(logitsConfig, 'logits');
    const train = await load(trainConfig, 'train');
    const { tasks } = await load(evalConfig, 'eval');
    await load(teacherConfig, 'teacher');

    t.strictSame(Object.keys(mix.sources), Object.keys(sources.datasets), 'the mix takes every dataset');
    for (const dataset of Object.values(sources.datasets))
      parseReference(typeof dataset === 'string' ? dataset : dataset.reference, 'datasets');
    t.ok([1, ...logits.temperatures].includes(train.temperature), 'the cache has the temperature');
    t.ok(train.micro_batch_tokens >= mix.max_tokens, 'the longest sample fits one pass');
    t.ok(!train.eval_every || mix.held_out > 0, 'there are samples to evaluate on');
    await t.resolves(expandTasks(tasks.filter((task) => task !== 'held_out')));
  });

  t.test(`${name}: what its original published`, async (t) => {
    const expected = await readExpectedScores(recipe);
    if (!expected) return;
    const { tasks } = await load(evalConfig, 'eval');
    const catalog = await taskCatalog();
    for (const { task, metric, shots } of expected.scores) {
      t.ok(tasks.includes(task), `${task} is evaluated`);
      const [leaf] = (await expandTasks([task])).tasks;
      const definition = catalog.tasks.get(leaf!)!;
      t.equal(definition.num_fewshot ?? 0, shots, `${task} has as many shots`);
      const metrics = definition.metrics.map(({ metric }) => (metric === 'mc2' ? 'acc' : metric));
      if (metric) t.ok(metrics.includes(metric.split(',')[0] as never), `${task} has ${metric}`);
    }
  });

  t.test(`${name}: make knows it`, (t) => {
    const { status, stdout } = spawnSync('make', ['-nB', `RECIPE=${name}`], { encoding: 'utf8' });
    t.equal(status, 0);
    t.match(stdout, `stages/fetch.ts --config data/recipes/${name}/sources.yaml`);
    t.end();
  });
}

t.test('the figures that the project set out from', async (t) => {
  const scoreOf = async (name: string, task: string) => {
    const { scores } = (await readExpectedScores(join(ROOT, name)))!;
    const { before, after } = scores.find((score) => score.task === task)!;
    return [before, after];
  };
  t.strictSame(await scoreOf('redistill-qwen-1.5b', 'gsm8k'), [69.9, 74.3]);
  t.strictSame(await scoreOf('redistill-qwen-1.5b', 'leaderboard_mmlu_pro'), [16.74, 19.86]);
  t.strictSame(await scoreOf('redistill-qwen-7b', 'gsm8k'), [78.85, 83.4]);
  t.strictSame(await scoreOf('redistill-qwen-7b', 'leaderboard_bbh'), [43.54, 51.53]);
  t.equal(await readExpectedScores(join(ROOT, 'smollm2')), undefined, 'a recipe of our own has none');
});

t.test('an expected.yaml that cannot be read', async (t) => {
  const recipe = t.testdir({
    'expected.yaml':
      'before: a\nafter: b\nsource: https://c.org\nscores: [{ task: x, shots: 5, before: 740, after: 3 }]\n',
  });
  await t.rejects(readExpectedScores(recipe), {
    name: 'UserError',
    message: /expected.yaml: scores.0.before = 740/,
  });
});
