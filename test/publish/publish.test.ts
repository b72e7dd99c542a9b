// A trained model on the Hub: what is sent and what is not, what comes back, and what is said when it cannot be. The Hub
// is the local one, with its writing half (test/hub/hubUploads.ts).
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { writeCheckpoint } from '../../pipeline/model/checkpoint.ts';
import { fetchSnapshot } from '../../pipeline/hub/hubSnapshot.ts';
import { publishedModel } from '../../pipeline/publish/publishedModel.ts';
import { checkRepositoryName, uploadModel } from '../../pipeline/publish/uploadModel.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { flipBit, sha256Of, sumsOf } from '../fileBytes.ts';
import { startHub } from '../hub/hubServer.ts';
import { acceptUploads, type UploadRules, type UploadStep } from '../hub/hubUploads.ts';
import { finishedRun, metadataOf, REPOSITORY, writeTrainManifest } from './publishScene.ts';

const TOKEN = 'hf_secret';
process.env.HF_TOKEN_PATH = 'test/no-such-file';
process.env.REDISTILL_CACHE = join(t.testdir(), 'cache');

/** A Hub that holds nothing yet, and this process pointed to it, with an empty cache. */
async function emptyHub(t: Test, rules: Partial<UploadRules> = {}) {
  const home = t.testdir({ repositories: {}, cache: {} });
  const uploads = acceptUploads({ folder: join(home, 'repositories'), token: TOKEN, ...rules });
  const hub = await startHub({ repositories: {}, also: uploads.also });
  t.teardown(hub.close);
  delete process.env.HF_HUB_OFFLINE;
  Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(home, 'cache'), HF_TOKEN: TOKEN });
  return { ...uploads, hub };
}

async function publish(run: string, { isPrivate = false } = {}): Promise<string[]> {
  const told: string[] = [];
  const progress = (line: string) => told.push(line);
  const files = await publishedModel({ run, name: 'main', repository: REPOSITORY }, { notice: progress });
  await uploadModel(files, { repository: REPOSITORY, isPrivate, progress });
  return told;
}

/** The folder of what the Hub holds of the repository, downloaded. */
async function fetched(): Promise<string> {
  const all = { select: (names: string[]) => names, progress: () => undefined };
  return (await fetchSnapshot({ type: 'model', name: REPOSITORY }, all)).folder;
}

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

const STEPS = ['create', 'preupload', 'batch', 'content', 'commit'] as const;

t.test('a Hub that is busy, or breaks off, is asked again at every step', async (t) => {
  const run = await finishedRun(t);
  const weights = readFileSync(join(run, 'train/main/model/model.safetensors'));
  const busy = (status: number) => ({ status, headers: { 'retry-after': '0' } });
  for (const [name, fault] of [
    ['503', busy(503)],
    ['429', busy(429)],
    ['cut', 'cut'],
  ] as const)
    await t.test(name, async (t) => {
      const met: string[] = [];
      const faultOnce = (step: UploadStep) => {
        if (met.includes(step)) return undefined;
        met.push(step);
        return fault;
      };
      const hub = await emptyHub(t, { fault: faultOnce });
      const told = await publish(run);
      t.same(met, STEPS);
      t.equal(told.filter((line) => line.includes('trying again')).length, STEPS.length);
      const folder = await fetched();
      t.ok(readFileSync(join(folder, 'model.safetensors')).equals(weights));
      t.equal(hub.made.length, 1);
    });
});

t.test('the Hub is not asked again for what it refuses', async (t) => {
  const run = await finishedRun(t);
  await t.test('commit', async (t) => {
    const hub = await emptyHub(t, {
      fault: (step) => (step === 'commit' ? { status: 400, error: 'the card is bad' } : undefined),
    });
    await t.rejects(publish(run), {
      name: 'UserError',
      message: `${REPOSITORY}: the Hub answered HTTP 400: the card is bad; run the same command again: what was sent is not sent again`,
    });
    t.equal(hub.hub.requests.filter((request) => request.endsWith('/commit/main')).length, 1);
  });
});

t.test('an upload that was cut goes on without what arrived', async (t) => {
  const run = await finishedRun(t, { evaluated: false });
  await t.test('cut', async (t) => {
    let cuts = 1;
    const hub = await emptyHub(t, {
      fault: (step) =>
        step === 'content' && cuts-- > 0 ? { status: 503, headers: { 'retry-after': '3600' } } : undefined,
    });
    await t.rejects(publish(run), {
      name: 'UserError',
      message: `${REPOSITORY}@main: ${hub.hub.url} answered HTTP 503; run the same command again later (the server asks to wait 1 h 0 min)`,
    });
    const weights = readFileSync(join(run, 'train/main/model/model.safetensors'));
    hub.contents.set(sha256Of(weights), weights); // as if it had arrived before the cut
    const before = hub.hub.requests.length;
    const told = await publish(run);
    t.match(
      told[0],
      /eval\/main: no evaluation, so the card has no scores; run "make eval" first to have them$/,
    );
    t.notOk(hub.hub.requests.slice(before).some((request) => request.startsWith('PUT')));
    const folder = await fetched();
    t.ok(readFileSync(join(folder, 'model.safetensors')).equals(weights));
    t.match(readFileSync(join(folder, 'README.md'), 'utf8'), 'This model has not been evaluated.');
    t.notOk('model-index' in metadataOf(readFileSync(join(folder, 'README.md'), 'utf8')));
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
    message: /train\/slow\/manifest\.json: missing or unreadable; run "make train RUN=slow"$/,
  });
  flipBit(join(run, 'train/main/model/model.safetensors'), -1);
  await t.rejects(publishedModel({ ...options, run }, { notice }), {
    message: /has sha256 .*run "make train"$/,
  });
});
