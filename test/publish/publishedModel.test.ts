// What is published of a run: the model or its adapter, and the card, as a folder and as huggingface_hub reads it.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { publishedModel } from '../../pipeline/publish/publishedModel.ts';
import { writeModelFolder } from '../../pipeline/publish/writeModelFolder.ts';
import { python, withoutModules } from '../needs.ts';
import { runStage } from '../runStage.ts';
import { finishedRun, metadataOf, REPOSITORY } from './publishScene.ts';

t.test('of a training with adapters only they are published, if others can have the base', async (t) => {
  for (const [student, part] of [
    ['org/Small-Chat', 'adapter'],
    ['teacher, layers 0 1', 'model'],
    ['org/Big-Chat/big.gguf', 'model'],
  ] as const)
    await t.test(student, async (t) => {
      const run = await finishedRun(t, { lora: true, rank: 24, student });
      const told: string[] = [];
      const files = await publishedModel(
        { run, name: 'main', repository: REPOSITORY },
        { notice: (line) => told.push(line) },
      );
      const isMerged = told.some((line) => line.endsWith('so the merged model is published'));
      t.equal(isMerged, part === 'model', 'it is said when that is not the adapter');
      const names = files.map(({ path }) => path).sort();
      const text = (name: string) => {
        const { content } = files.find(({ path }) => path === name)!;
        return 'text' in content ? content.text : readFileSync(content.file, 'utf8');
      };
      const card = metadataOf(text('README.md'));
      if (part === 'adapter') {
        t.same(names, ['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
        t.match(card, { base_model_relation: 'adapter', library_name: 'peft' });
        t.same(JSON.parse(text('adapter_config.json')), { r: 24, base_model_name_or_path: 'org/Small-Chat' });
        t.match(text('README.md'), 'AutoPeftModelForCausalLM.from_pretrained("lab/Small-Chat-redistilled"');
        t.match(
          text('README.md'),
          '--enable-lora --max-lora-rank 32 --lora-modules',
          'the rank vLLM has to allow',
        );
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
  const results = (JSON.parse(read) as { results: Record<string, unknown>[] }).results;
  t.match(JSON.parse(read), {
    license: 'mit',
    base_model: 'org/Small-Chat',
    model_name: 'Small-Chat-redistilled',
  });
  const keys = ['dataset_type', 'dataset_config', 'dataset_split', 'metric_type', 'metric_value'];
  t.same(
    results.map((result) => keys.map((key) => result[key] ?? null)),
    [
      ['held_out', null, null, 'kl', 0.5],
      ['openai/gsm8k', 'main', 'test', 'exact_match', 0.743],
      ['openai/gsm8k', 'main', 'test', 'exact_match', 0.75],
      ['allenai/winogrande', 'winogrande_xl', 'validation', 'acc', 0.55],
      ['Idavidrein/gpqa', null, 'train', 'acc_norm', 0.3],
    ],
  );
  t.match(results[1], {
    ...{ task_type: 'text-generation', task_name: 'Text generation', dataset_name: 'gsm8k' },
    ...{ metric_name: 'exact_match,strict-match', dataset_args: { num_few_shot: 5 } },
  });
});

const skipLoading = withoutModules('transformers', 'torch');

t.test('what the card says loads the model and answers', { skip: skipLoading }, async (t) => {
  const run = await finishedRun(t, { evaluated: false });
  const options = { run, name: 'main', repository: REPOSITORY };
  const files = await publishedModel(options, { notice: () => undefined });
  await writeModelFolder(files, join(run, 'published'));
  const card = readFileSync(join(run, 'published/README.md'), 'utf8');
  const [, script] = /^```python\n(.*?)^```/ms.exec(card)!;
  const here = script!.replaceAll(REPOSITORY, join(run, 'published'));
  const shown = `${here}\nprint(tokenizer.decode(inputs["input_ids"][0]))`;
  const environment = { ...process.env, HF_HUB_OFFLINE: '1' };
  const said = execFileSync(python, ['-c', shown], { encoding: 'utf8', env: environment, stdio: 'pipe' });
  t.match(said, 'What is 7 times 8?<|im_end|>\n<|im_start|>assistant\n', 'asked through the chat template');
});
