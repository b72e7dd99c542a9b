// What is published of a run: the model or its adapter, and the card, as a folder and as huggingface_hub reads it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { publishedModel } from '../../pipeline/publish/publishedModel.ts';
import { python, withoutModules } from '../needs.ts';
import { runStage } from '../runStage.ts';
import { finishedRun, metadataOf, REPOSITORY } from './publishScene.ts';

t.test('of a training with adapters only they are published, if others can have the base', async (t) => {
  for (const [student, part] of [
    ['org/Small-Chat', 'adapter'],
    ['teacher, layers 0 1', 'model'],
  ] as const)
    await t.test(student, async (t) => {
      const run = await finishedRun(t, { lora: true, student });
      const files = await publishedModel(
        { run, name: 'main', repository: REPOSITORY },
        { notice: () => undefined },
      );
      const names = files.map(({ path }) => path).sort();
      const text = (name: string) => {
        const { content } = files.find(({ path }) => path === name)!;
        return 'text' in content ? content.text : readFileSync(content.file, 'utf8');
      };
      const card = metadataOf(text('README.md'));
      if (part === 'adapter') {
        t.same(names, ['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
        t.match(card, { base_model_relation: 'adapter', library_name: 'peft' });
        t.same(JSON.parse(text('adapter_config.json')), { r: 4, base_model_name_or_path: 'org/Small-Chat' });
        t.match(text('README.md'), 'AutoPeftModelForCausalLM.from_pretrained("lab/Small-Chat-redistilled")');
      } else {
        t.ok(names.includes('model.safetensors'));
        t.match(card, {
          base_model: 'org/Big-Chat',
          base_model_relation: 'finetune',
          library_name: 'transformers',
        });
      }
    });
});

const skip = withoutModules('huggingface_hub');

t.test('a dry run writes a folder, whose card huggingface_hub reads', { skip }, async (t) => {
  const run = await finishedRun(t);
  const { stdout } = await runStage('publish', { run, repo: REPOSITORY, 'dry-run': '' });
  const folder = join(run, 'publish/main');
  t.equal(stdout.trim(), folder);
  t.ok(existsSync(join(folder, 'model.safetensors')));
  const read = execFileSync(python, ['test/publish/readCard.py', join(folder, 'README.md')], {
    encoding: 'utf8',
  });
  t.match(JSON.parse(read), {
    ...{ license: 'mit', base_model: 'org/Small-Chat', model_name: 'Small-Chat-redistilled' },
    results: [
      ['held_out', 'kl', 0.5],
      ['openai/gsm8k', 'exact_match', 0.743],
      ['openai/gsm8k', 'exact_match', 0.75],
      ['winogrande', 'acc', 0.55],
    ],
  });
});
