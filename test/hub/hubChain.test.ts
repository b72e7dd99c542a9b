// The whole chain from a Hub: a recipe with the references of smollm2-hub, served by the local Hub with tiny models and
// the embedded datasets in the layouts of the originals. The first fetch breaks off in the middle; the next make goes on
// there and ends in a report; after that the cache is enough.
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Manifest } from '../../pipeline/artifact/manifest.ts';
import { readSources } from '../../pipeline/hub/sourcesFile.ts';
import type { HeldOutScores } from '../../pipeline/train/heldOut.ts';
import { readJson } from '../readJson.ts';
import { runMake } from '../runMake.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { startHub } from './hubServer.ts';
import { writeFiles } from './hubScene.ts';

const base = t.testdir();
const [recipe, run, hubFolder] = ['recipe', 'run', 'hub'].map((name) => join(base, name)) as [
  string,
  string,
  string,
];
const TEACHER = 'models/HuggingFaceTB/SmolLM2-360M-Instruct';
const STUDENT = 'models/HuggingFaceTB/SmolLM2-135M-Instruct';
const DATASETS = {
  'datasets/meta-math/MetaMathQA': 'MetaMathQA',
  'datasets/microsoft/orca-math-word-problems-200k': 'orca-math-word-problems-200k',
  'datasets/nickrosh/Evol-Instruct-Code-80k-v1': 'Evol-Instruct-Code-80k-v1',
  'datasets/mlfoundations-dev/filtered_numina_R1': 'filtered_numina_R1',
  'datasets/ServiceNow-AI/R1-Distill-SFT': 'R1-Distill-SFT',
};
const ORCA = 'datasets/microsoft/orca-math-word-problems-200k/data/train-00000-of-00001.parquet';

/** What a stream may hold that was received and not yet written when the connection breaks. */
const CHUNK = 64 * 1024;

const RECIPE = {
  sources: `
teacher: HuggingFaceTB/SmolLM2-360M-Instruct
student: HuggingFaceTB/SmolLM2-135M-Instruct
datasets:
  metamathqa: { reference: meta-math/MetaMathQA, files: MetaMathQA-395K.json }
  orca_math: microsoft/orca-math-word-problems-200k
  evol_code: nickrosh/Evol-Instruct-Code-80k-v1
  numina_r1: { reference: mlfoundations-dev/filtered_numina_R1, split: train }
  r1_distill_sft: { reference: ServiceNow-AI/R1-Distill-SFT, config: v1, split: train }
`,
  mix: `
total: 50
held_out: 10
max_tokens: 400
overlength: truncate
sources:
  metamathqa: { weight: 1, format: metamathqa }
  orca_math: { weight: 1, format: orca_math }
  evol_code: { weight: 1, format: evol_code }
  numina_r1: { weight: 1, format: numina_r1 }
  r1_distill_sft: { weight: 1, format: r1_distill_sft }
`,
  teacher: 'bits: 8\n',
  logits: 'top_k: 32\nbatch_tokens: 1024\n',
  train: 'learning_rate: 3e-3\nbatch_tokens: 4096\nmicro_batch_tokens: 2048\n',
  eval: 'dtype: float32\n',
};

t.before(async () => {
  writeFiles(
    recipe,
    Object.fromEntries(Object.entries(RECIPE).map(([stage, yaml]) => [`${stage}.yaml`, yaml])),
  );
  for (const [name, layers] of [
    [TEACHER, 3],
    [STUDENT, 2],
  ] as const) {
    // prettier-ignore
    const folder = join(hubFolder, name);
    await makeTinyModel(folder, { layers, seed: layers, dtype: 'BF16' });
    writeFileSync(join(folder, 'README.md'), '---\nlicense: apache-2.0\n---\n');
    writeFiles(folder, {
      'pytorch_model.bin': 'not wanted',
      'onnx/model.onnx': 'not wanted',
      '.gitattributes': '',
    });
  }
  for (const [name, sample] of Object.entries(DATASETS)) {
    cpSync(join('data/samples', sample), join(hubFolder, name), { recursive: true });
    writeFiles(join(hubFolder, name), { 'README.md': 'A card.\n', '.gitattributes': '' });
  }
});

const repositories = Object.fromEntries(
  [TEACHER, STUDENT, ...Object.keys(DATASETS)].map((name) => [name, join(hubFolder, name)]),
);

/** Runs make for the recipe; gives the stages that ran and what they said. */
function make(words: string[], variables: Record<string, string>) {
  const home = {
    HF_HOME: join(base, 'huggingface'),
    HF_HUB_CACHE: '',
    HF_TOKEN: '',
    REDISTILL_CACHE: join(base, 'cache'),
  };
  return runMake(words, { recipe, run, env: { ...home, HF_HUB_OFFLINE: '', ...variables } });
}

function heldOutKl(model: string): number {
  const { statistics } = readJson(join(run, 'eval', model, 'manifest.json')) as Manifest;
  return (statistics.held_out as unknown as HeldOutScores).kl;
}

t.test('make RECIPE=smollm2-hub, its first fetch cut in the middle', async (t) => {
  process.env.REDISTILL_CACHE = join(base, 'cache');
  let isBroken = true;
  const hub = await startHub({
    repositories,
    faults: ({ kind, path, before }) => {
      if (!isBroken || path !== ORCA || kind !== 'lfs') return undefined;
      return before === 0 ? { cutAfter: 100_000 } : { status: 503, headers: { 'retry-after': '3600' } };
    },
  });
  t.teardown(hub.close);
  const variables = { HF_ENDPOINT: hub.url };
  await t.rejects(make([], variables), {
    message:
      /\nfetch: microsoft\/orca-math-word-problems-200k@main: .* answered HTTP 503; .* the server asks to wait 1 h 0 min\)\n/,
  });
  t.notOk(existsSync(join(run, 'sources.json')), 'nothing is noted before all is there');
  isBroken = false;

  const { stages } = await make([], variables);
  t.same(stages.sort(), ['eval', 'eval', 'fetch', 'logits', 'mix', 'report', 'teacher', 'train']);
  t.ok(existsSync(join(run, 'report.html')));
  for (const [path, bytes] of hub.sent) {
    const again = bytes - statSync(join(hubFolder, path)).size;
    t.ok(again >= 0 && again <= (path === ORCA ? CHUNK : 0), `${path}: ${again} bytes were sent twice`);
  }
  t.same(
    [...hub.sent.keys()].filter((path) => /\.(bin|onnx|gitattributes)$/.test(path)),
    [],
    'what no stage reads is not fetched',
  );
  const { teacher, student, datasets } = (await readSources(run))!;
  t.same([teacher.revision, student.revision], [hub.commit(TEACHER), hub.commit(STUDENT)]);
  t.same(
    Object.values(datasets).map(({ revision }) => revision),
    Object.keys(DATASETS).map(hub.commit),
  );
  t.ok(heldOutKl('main') < heldOutKl('before'), 'the student comes closer to its teacher');
});

t.test('another run needs the cache alone', async (t) => {
  const before = readFileSync(join(run, 'sources.json'), 'utf8');
  rmSync(join(run, 'sources.json'));
  const variables = { HF_ENDPOINT: 'http://127.0.0.1:9', HF_HUB_OFFLINE: '1' };
  const { stages, stderr } = await make(['fetch'], variables);
  t.same(stages, ['fetch']);
  t.equal(stderr, '');
  t.equal(readFileSync(join(run, 'sources.json'), 'utf8'), before);
});
