// A trained model on the Hub: what is sent and what is not, what comes back, and what is said when it cannot be. The Hub
// is the local one, with its writing half (test/hub/hubUploads.ts).
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { writeCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { publishedModel } from '../../pipeline/publish/publishedModel.ts';
import { checkRepositoryName } from '../../pipeline/publish/uploadModel.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { flipBit, sumsOf } from '../fileBytes.ts';
import { finishedRun, metadataOf, REPOSITORY, writeTrainManifest } from './publishScene.ts';
import { emptyHub, fetched, publish } from './uploadScene.ts';

t.test('a model comes back byte for byte, with its card', async (t) => {
  const run = await finishedRun(t);
  const model = sumsOf(join(run, 'train/main/model'));
  await t.test('upload', async (t) => {
    const hub = await emptyHub(t);
    t.match(await publish(run), [`${REPOSITORY}: made`, /^5 files to send \(.* MB\), 0 are there$/]);
    const folder = await fetched();
    const { 'README.md': card, ...weights } = sumsOf(folder);
    t.same({ ...weights, 'README.md': model['README.md'] }, model);
    t.not(card, model['README.md']);
    const result = (dataset: object, metrics: object[]) => ({
      ...{ task: { type: 'text-generation', name: 'Text generation' }, dataset, metrics },
    });
    const five = { args: { num_few_shot: 5 } };
    t.same(metadataOf(readFileSync(join(folder, 'README.md'), 'utf8')), {
      ...{ base_model: 'org/Small-Chat', base_model_relation: 'finetune', datasets: ['lab/even-numbers'] },
      ...{ license: 'mit', library_name: 'transformers', pipeline_tag: 'text-generation' },
      tags: ['knowledge-distillation', 'redistill'],
      'model-index': [
        {
          name: 'Small-Chat-redistilled',
          results: [
            result({ name: 'held-out samples', type: 'held_out' }, [{ type: 'kl', value: 0.5, name: 'kl' }]),
            result({ name: 'gsm8k', type: 'openai/gsm8k', config: 'main', split: 'test', ...five }, [
              { type: 'exact_match', value: 0.743, name: 'exact_match,strict-match' },
              { type: 'exact_match', value: 0.75, name: 'exact_match,flexible-extract' },
            ]),
            result(
              {
                ...{ name: 'winogrande', type: 'allenai/winogrande', config: 'winogrande_xl' },
                ...{ split: 'validation', ...five },
              },
              [{ type: 'acc', value: 0.55, name: 'acc' }],
            ),
            result(
              {
                ...{ name: 'leaderboard_gpqa', type: 'Idavidrein/gpqa', split: 'train' },
                args: { num_few_shot: 0 },
              },
              [{ type: 'acc_norm', value: 0.3, name: 'acc_norm' }],
            ),
          ],
        },
      ],
    });
    const text = readFileSync(join(folder, 'README.md'), 'utf8');
    t.match(
      text,
      '| gsm8k | exact_match,strict-match | 5 | 1319 | 69.90 | 74.30 | +4.40 (+1.00 to +8.00) | more than noise |',
    );
    t.notMatch(text, 'gpqa_main', 'a group stands for its parts');
    t.match(
      text,
      '| held-out samples | kl |  | 8 | 4.0000 | 0.5000 | -3.5000 (-4.0000 to -3.0000) | more than noise |',
    );
    for (const part of [
      '- Teacher: [org/Big-Chat](https://huggingface.co/org/Big-Chat) at',
      `vllm serve ${REPOSITORY}`,
      'learning_rate: 0.0003',
      'That of the base, org/Small-Chat: mit.',
      'trained by redistill on the cached next-token probabilities of org/Big-Chat.',
      'in plain text, without the chat template',
      'Items that share 13 words in a row with a training text: gsm8k 2 of 1319.',
    ])
      t.match(text, part);
    t.notMatch(text, run, 'no folder of this machine');
    await t.test('what is there is not sent again', async (t) => {
      const before = hub.hub.requests.length;
      t.same(await publish(run), ['0 files to send (0.0 MB), 5 are there']);
      t.notOk(hub.hub.requests.slice(before).some((request) => !request.startsWith('GET')));
    });
  });
});

t.test('weights that an earlier upload had and this one has not are removed', async (t) => {
  const run = await finishedRun(t);
  await t.test('twice', async (t) => {
    await emptyHub(t);
    await publish(run);
    const folder = join(run, 'train/main');
    const tensor = {
      name: 'a',
      dtype: 'F32' as const,
      shape: [2],
      data: () => Promise.resolve(new Uint8Array(8)),
    };
    await writeCheckpoint(join(folder, 'model'), {
      tensors: [tensor, { ...tensor, name: 'b' }],
      maxShardBytes: 8,
    });
    rmSync(join(folder, 'model/model.safetensors'));
    await writeTrainManifest(folder, trainConfig.parse({}));
    await publish(run);
    const names = Object.keys(sumsOf(await fetched())).filter((name) => name.includes('safetensors'));
    t.same(names, [
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
  });
});

t.test('a repository is made private if asked for', async (t) => {
  const run = await finishedRun(t);
  for (const isPrivate of [true, false])
    await t.test(String(isPrivate), async (t) => {
      const { made } = await emptyHub(t);
      await publish(run, { isPrivate });
      t.same(made, [{ repository: REPOSITORY, visibility: isPrivate ? 'private' : undefined }]);
    });
});

t.test('what cannot be published is one line', async (t) => {
  const run = await finishedRun(t);
  await t.test('the Hub', async (t) => {
    const hub = await emptyHub(t, { forbid: true });
    const refused = (message: RegExp) => t.rejects(publish(run), { name: 'UserError', message });
    await refused(
      /^lab\/Small-Chat-redistilled: the token of HF_TOKEN may not write there \(HTTP 403\); give it write access/,
    );
    delete process.env.HF_TOKEN;
    await refused(/^HF_TOKEN: publishing needs a token that may write; make one on .*hf auth login/);
    Object.assign(process.env, { HF_TOKEN: 'hf_other' });
    await refused(/^(?!.*hf_other).*the Hub does not know the token of HF_TOKEN; make one on/);
    await hub.hub.close();
    await refused(/cannot be reached/);
    process.env.HF_HUB_OFFLINE = '1';
    await refused(/^HF_HUB_OFFLINE: nothing can be published while it is set/);
  });
  for (const name of [
    'model',
    'a/b/c',
    'lab/',
    'lab/a--b',
    'lab/.x',
    'lab/x.git',
    `lab/${'x'.repeat(99)}`,
    'lab/a b',
  ])
    t.throws(
      () => checkRepositoryName(name),
      { name: 'UserError', message: /^--repo = .*use ORG\/NAME/ },
      name,
    );
  const options = { name: 'main', repository: REPOSITORY };
  const notice = () => undefined;
  await t.rejects(publishedModel({ ...options, run, name: 'slow' }, { notice }), {
    message: /train\/slow\/manifest\.json: missing or unreadable; run "make train RECIPE=[\w.-]+ RUN=slow"$/,
  });
  flipBit(join(run, 'train/main/model/model.safetensors'), -1);
  await t.rejects(publishedModel({ ...options, run }, { notice }), {
    message: /has sha256 .*run "make train RECIPE=[\w.-]+"$/,
  });
});
