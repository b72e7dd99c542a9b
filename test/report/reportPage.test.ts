// The page on made-up runs: whole, in parts, hostile and damaged. Python's html.parser reads it back.
import { spawnSync } from 'node:child_process';
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { UserError } from '../../pipeline/config/userError.ts';
import { writePlan } from '../../pipeline/plan/planFile.ts';
import { readRun } from '../../pipeline/report/readRun.ts';
import { reportPage } from '../../pipeline/report/reportPage.ts';
import { runStage } from '../runStage.ts';
import {
  artifact,
  logitsStatistics,
  metrics,
  mixStatistics,
  scores,
  writeCompleteRun,
  writeEvaluationFiles,
  writeSourcesJson,
} from './madeUpRun.ts';

const EXPECTED = `
before: org/before
after: org/after
source: https://example.org/card
notes: [By strict-match.]
scores:
  - { task: gsm8k, metric: 'exact_match,strict-match', shots: 5, before: 69.9, after: 74.3 }
  - { task: ifeval, shots: 0, before: 24.94, after: 27.22 }
`;

interface Page {
  html: string;
  text: string;
  elements: [tag: string, attributes: Record<string, string>, text: string][];
}

/** The page of a run, checked for what holds of every page. */
async function pageOf(t: Test, folder: string): Promise<Page> {
  const html = await reportPage(await readRun(folder));
  const script = join(import.meta.dirname, 'parseHtml.py');
  const { stdout, stderr } = spawnSync('python3', [script], { input: html, encoding: 'utf8' });
  t.equal(stderr, '');
  const parsed = JSON.parse(stdout) as Omit<Page, 'html'> & { problems: string[] };
  t.strictSame(parsed.problems, []);
  t.strictSame(faultsOf(parsed.elements), []);
  t.notMatch(html, /url\(|@import|undefined|NaN|\[object/);
  return { html, ...parsed };
}

/** What no page may have: no language, headers of nothing, charts without words, anything loaded or run. */
function faultsOf(elements: Page['elements']): string[] {
  const faults = elements.flatMap(([tag, attributes]) => [
    ...(tag === 'th' && !/^(row|col)$/.test(attributes.scope ?? '') ? ['<th> without scope'] : []),
    ...(tag === 'svg' && !('aria-hidden' in attributes || 'aria-labelledby' in attributes)
      ? ['bare <svg>']
      : []),
    ...(tag === 'script' || tag === 'link' ? [`<${tag}>`] : []),
    ...Object.entries(attributes)
      .filter(([name, value]) => /^(on|src)/.test(name) || (name === 'href' && !value.startsWith('#')))
      .map(([name, value]) => `${name}="${value}"`),
  ]);
  const [html] = elements;
  return html?.[0] === 'html' && html[1].lang === 'en' ? faults : [...faults, 'no language'];
}

/** The rows of the table with the caption, as text. */
function rowsOf({ elements }: Page, caption: string): string[][] {
  const start = elements.findIndex(([tag, , text]) => tag === 'caption' && text === caption);
  const rest = elements.slice(start + 1);
  const end = rest.findIndex(([tag]) => tag === 'table');
  const rows: string[][] = [];
  for (const [tag, , text] of end < 0 ? rest : rest.slice(0, end))
    if (tag === 'tr') rows.push([]);
    else if (tag === 'th' || tag === 'td') rows.at(-1)?.push(text);
  return start < 0 ? [] : rows;
}

t.test('a complete run', async (t) => {
  const folder = join(t.testdir(), 'maths');
  await writeCompleteRun(folder);
  const page = await pageOf(t, folder);

  t.strictSame(
    page.elements.filter(([tag]) => tag === 'section').map(([, { id }]) => id),
    ['sources', 'mix', 'teacher', 'logits', 'train', 'eval', 'samples', 'resources', 'parameters', 'rerun'],
  );
  t.notMatch(page.text, /not been|has not run|Not finished|was made from another/);
  t.notMatch(page.html, /home\/me/, 'no paths of this machine');
  t.match(
    page.text,
    /KL to the teacher, held-out text · run main\s*4\.500 →\s*1\.250 -3\.250 nats \(95 % interval -3\.500 to -3\.000\): more than noise/,
  );
  t.match(page.text, '+10.00 points (95 % interval +2.00 to +18.00, p = 0.012): more than noise');
  t.strictSame(rowsOf(page, 'What training changed').slice(3, 5), [
    [
      'main',
      'gsm8k',
      'exact match,strict-match',
      '40.0 %',
      '50.0 %',
      '+10.00 points',
      '+2.00 to +18.00',
      '0.012',
      'more than noise',
    ],
    ['main', 'mmlu', 'acc', '40.0 %', '41.0 %', '+1.00 points', '-2.00 to +4.00', '0.012', 'may be noise'],
  ]);
  t.strictSame(rowsOf(page, 'Items that share 13 words in a row with the training mix').slice(1), [
    ['gsm8k', '40', '2', '5.0 %'],
  ]);
  t.match(page.text, /gsm8k · exact_match,strict-match/);
  t.notMatch(page.text, /mmlu_anatomy · acc/, 'members of a group are not drawn');
  t.match(page.text, 'Time, all stages10 min 0 s at most 1.5 GB of memory');
  t.strictSame(rowsOf(page, 'Used by stage')[4], ['train/main', '1 min 15 s', '1.5 GB', '2.05 kB']);

  t.strictSame(rowsOf(page, 'Datasets')[1], ['teacher', 'org/math', '–', '2', '2,468']);
  const mix = rowsOf(page, 'Rows, samples and tokens');
  t.strictSame(mix[0]?.slice(0, 4), ['source', 'rows read', 'wanted', 'kept']);
  t.strictSame(mix[1]?.slice(0, 4), ['math', '12,345', '10', '10']);
  t.strictSame(mix[3]?.slice(0, 4), ['total', '–', '–', '20']);
  t.strictSame(rowsOf(page, 'Rejected rows by reason'), [
    ['source', 'too long'],
    ['math', '3'],
    ['code', '0'],
  ]);
  t.strictSame(rowsOf(page, 'Quantized layers').slice(1), [
    ['mlp.up_proj', '2', '4, 8', '64', '2,000', '1,200', '0.03', '0.05'],
    ['self_attn.q_proj', '1', '4', '64', '1,000', '600', '0.05', '0.05'],
  ]);
  const cache = rowsOf(page, 'The cache by source');
  t.strictSame(cache[1], ['math', '10', '700', '17.25', '91.5', '0.00125', '0.0134']);
  t.strictSame(cache[2]?.[0], 'total');
  t.match(page.text, /kl live cache\s*kl original teacher\s*math\s*8\s*500\s*3e-5\s*0.0625/);
  t.strictSame(rowsOf(page, 'Parameters that differ between runs'), [
    ['parameter', 'main', 'slow'],
    ['learning_rate', '0.0002', '0.00002'],
  ]);
  t.ok(
    page.elements.some(([tag, , text]) => tag === 'b' && text === '0.0002'),
    'not the default',
  );
  t.strictSame(rowsOf(page, 'held out').slice(1), [
    ['before', '4.5', '2.5', '12.18', '0.5', '1,000'],
    ['main', '1.25-3.25', '2.5', '12.18', '0.5', '1,000'],
    ['slow', '2-2.5', '2.5', '12.18', '0.5', '1,000'],
  ]);
  t.strictSame(rowsOf(page, 'mix.yaml, defaults and ARGS')[2], ['sources.math.weight', '8', '–']);
  t.strictSame(rowsOf(page, 'train.yaml, defaults and ARGS').at(-1), ['clip', '{}', '{}', '{}']);
  t.equal(rowsOf(page, 'Artifacts').length, 1 + 3 + 2 + 3);
  t.match(page.text, `make train RECIPE=maths RUN=slow ARGS='--learning-rate 2e-5 --loss '\\''jsd'\\'''`);
  t.match(page.text, 'run main: 4.61 at step 1, 1.01 at step 3; run slow: 4.61 at step 1, 1.01 at step 3.');
  t.match(page.text, 'run main: 0.9 at step 3; run slow: 0.9 at step 3.');
  t.match(page.text, 'Mean KL 1.567; the teacher’s token at 66.7 %.');
  t.equal(
    page.elements.filter(([tag, { class: name }]) => tag === 'span' && /\bk4 other\b/.test(name ?? ''))
      .length,
    6,
  );
});

t.test('beside the plan and the published scores', async (t) => {
  const base = t.testdir();
  const folder = join(base, 'runs/maths');
  await writeCompleteRun(folder);
  const ofStages = { teacher: 60, logits: 120, train: 3600, eval: 90 };
  const stage = { memory: { weights: 2e9 }, memory_bytes: 2e9, flops: 1e15 };
  await writePlan(folder, {
    ...{ recipe: 'maths', datasets: {}, disk: {}, problems: [], assumptions: [] },
    models: {
      teacher: { reference: 'org/teacher', bytes: 1, cached_bytes: 0, parameters: 1 },
      student: { reference: 'org/student', bytes: 1, cached_bytes: 0, parameters: 1 },
    },
    mix: { samples: 20, tokens: 1500, target_tokens: 700, measured: true },
    cache: { bytes_per_token: 90, measured: false },
    stages: { teacher: stage, logits: stage, train: stage, eval: stage },
    here: {
      ...{ device: 'CPU', memory_bytes: 8e9, free_disk_bytes: 1e10, matmul_flops_per_second: 1e11 },
      seconds: ofStages,
    },
    machines: { 'one <GPU>': { seconds: ofStages, dollars: 1.5, does_not_fit: ['train'] } },
  });
  await mkdir(join(base, 'recipes/maths'), { recursive: true });
  await writeFile(join(base, 'recipes/maths/expected.yaml'), EXPECTED);
  const page = await pageOf(t, folder);
  t.strictSame(rowsOf(page, 'Used by stage').slice(3, 5), [
    ['logits', '1 min 15 s', '2 min 0 s', '1.5 GB', '2 GB', '2.05 kB'],
    ['train/main', '1 min 15 s', '1 h 0 min', '1.5 GB', '2 GB', '2.05 kB'],
  ]);
  t.strictSame(rowsOf(page, 'Planned on other machines')[1], [
    ...['one <GPU>', '1 min 0 s', '2 min 0 s', 'does not fit', '1 min 30 s', '$1.50'],
  ]);
  t.strictSame(rowsOf(page, 'Published scores of the original, and ours, in per cent').slice(1), [
    ['gsm8k', 'exact_match,strict-match', '5', '69.90', '74.30', '+4.40', '40.00', '50.00', '40.00'],
    ['ifeval', 'not said', '0', '24.94', '27.22', '+2.28', '–', '–', '–'],
  ]);
  t.match(page.text, 'Published for org/before and org/after, at https://example.org/card. By strict-match.');
});

t.test('nothing has run', async (t) => {
  const folder = join(t.testdir({ empty: {} }), 'empty');
  const { text, elements } = await pageOf(t, folder);
  for (const stage of ['fetch', 'mix', 'teacher', 'logits', 'train', 'eval'])
    t.match(text, `The stage ${stage} has not run. To run it: make ${stage} RECIPE=empty`);
  t.strictSame(
    elements.filter(([tag]) => tag === 'table' || tag === 'figure'),
    [],
  );
});

t.test('some stages have run', async (t) => {
  const only = async (write: (folder: string) => Promise<unknown>) => {
    const folder = join(t.testdir(), 'part');
    await write(folder);
    const { text } = await pageOf(t, folder);
    return text;
  };
  const fetched = await only((folder) => writeSourcesJson(folder));
  t.match(
    fetched,
    /A student, org\/student, learned from the cached logits of its teacher,\s+org\/teacher\./,
  );
  t.notMatch(fetched, 'The stage fetch has not run');
  t.match(fetched, 'The stage mix has not run');

  const dumped = await only((folder) =>
    artifact(join(folder, 'logits'), 'logits', { statistics: logitsStatistics(), inputs: { mix: 'gone' } }),
  );
  t.match(dumped, '17.25');
  t.match(dumped, 'The stage mix has not run');
  t.notMatch(dumped, /stage logits has not run|was made from another/);

  const training = await only(async (folder) => {
    await mkdir(join(folder, 'train/slow'), { recursive: true });
    await writeFile(join(folder, 'train/slow/metrics.jsonl'), metrics([3, 2]) + '{"step":3,"lo');
  });
  t.match(training, 'Run slow is not finished; steps so far: 2. To run it: make train RECIPE=part RUN=slow');
  t.match(training, 'run slow: 3 at step 1, 2 at step 2.');

  const trained = await only(async (folder) => {
    await artifact(join(folder, 'train/main'), 'train');
    await artifact(join(folder, 'eval/slow'), 'eval', { statistics: scores(2) });
  });
  t.match(trained, 'The student before training has not been evaluated.');
  t.match(trained, 'Run main has not been evaluated. To run it: make eval RECIPE=part RUN=main');
  t.match(trained, /slow\s*2\s*2\.5/, 'scores without a difference');
});

t.test('artifacts that do not belong together', async (t) => {
  const folder = t.testdir();
  await writeCompleteRun(folder);
  const mix = await artifact(join(folder, 'mix'), 'mix', {
    statistics: mixStatistics(),
    parameters: { seed: 1 },
  });
  await artifact(join(folder, 'eval/before'), 'eval', {
    statistics: scores(4.5),
    inputs: { model: 'pruned' },
  });
  await artifact(join(folder, 'eval/teacher'), 'eval', {
    statistics: scores(1),
    inputs: { model: 'trained' },
  });
  const { text } = await pageOf(t, folder);
  const mentions = (name: string) => text.includes(`“${name}” was made from another mix (`);
  t.strictSame(['logits', 'main', 'slow'].map(mentions), [true, true, true]);
  t.match(text, `than this run has now (${mix.fingerprint})`);
  t.match(text, '“before” was made from another model (pruned) than this run has now (b2)');
  t.notMatch(text, '“teacher” was made', 'a training may be called so');
});

t.test('hostile text is shown as it is', async (t) => {
  const hostile = `</title></style></script><script>alert(1)</script><img src=x onerror="alert('1')">&lt;\u202e`;
  const folder = join(t.testdir(), `it's "<b>"`);
  await writeSourcesJson(folder, { name: hostile });
  await artifact(join(folder, 'mix'), 'mix', {
    statistics: mixStatistics({ name: hostile, reason: hostile }),
    parameters: { [hostile]: hostile },
  });
  await artifact(join(folder, 'teacher'), 'teacher', { statistics: { [hostile]: [hostile] } });
  await artifact(join(folder, 'logits'), 'logits', { inputs: { mix: hostile } });
  const training = join(folder, 'train', '"><script>alert(1)<\\script>');
  await artifact(training, 'train', { statistics: { [hostile]: null }, parameters: { [hostile]: 1 } });
  await appendFile(join(training, 'metrics.jsonl'), metrics([2, 1]));
  await artifact(join(folder, 'eval/"<i>"'), 'eval', { statistics: { [hostile]: { [hostile]: 1 } } });
  await writeEvaluationFiles(folder, { text: hostile, task: hostile });
  for (const name of ['before', 'main', 'slow'])
    await artifact(join(folder, 'eval', name), 'eval', { statistics: { [hostile]: { 'acc,none': 0.5 } } });
  const page = await pageOf(t, folder);
  t.equal(page.elements.find(([tag]) => tag === 'title')?.[2], `it's "<b>": distillation report`);
  for (const tag of ['img', 'i', 'script'])
    t.notOk(
      page.elements.some(([name]) => name === tag),
      `no <${tag}>`,
    );
  t.ok(page.text.split(hostile).length > 20, 'it stands in cells, captions, charts and tokens');
  t.match(page.text, `RECIPE='it'\\''s "<b>"'`);
});

t.test('figures that are not finite', async (t) => {
  const folder = t.testdir();
  await artifact(join(folder, 'eval/before'), 'eval', { statistics: scores(4) });
  await artifact(join(folder, 'eval/main'), 'eval', { statistics: scores(NaN) });
  await artifact(join(folder, 'train/main'), 'train', { statistics: { final_loss: NaN, steps: 1 } });
  await appendFile(join(folder, 'train/main/metrics.jsonl'), metrics([NaN, 3, 2, null, 1]));
  await mkdir(join(folder, 'train/lost'));
  await writeFile(
    join(folder, 'train/lost/metrics.jsonl'),
    '{"step":1,"loss":null,"held_out":{"kl":null}}\n',
  );
  const page = await pageOf(t, folder);
  t.strictSame(rowsOf(page, 'held out')[2]?.slice(0, 3), ['main', '–', '2.5']);
  t.strictSame(rowsOf(page, 'Final figures')[1], ['main', '–', '1']);
  t.match(page.text, 'run main: 3 at step 2, 1 at step 5.');
  t.notMatch(page.text, /run lost: /, 'no curve of nothing');
});

t.test('damaged artifacts are named', async (t) => {
  const damaged = async (path: string, content: string, expected: RegExp) => {
    const folder = t.testdir();
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
    const error: unknown = await readRun(folder).catch((error: unknown) => error);
    t.ok(error instanceof UserError, path);
    t.match(error, { message: expected });
  };
  await damaged('mix/manifest.json', '{"kind":"mix"}', /mix\/manifest\.json: fingerprint: missing/);
  await damaged('eval/main/manifest.json', '[]', /eval\/main\/manifest\.json: /);
  await damaged('sources.json', '{"formatVersion":2}', /sources\.json: formatVersion = 2/);
  await damaged(
    'train/main/metrics.jsonl',
    '{"step":1}\n{"st\n',
    /metrics\.jsonl:2: not a line of metrics; run/,
  );

  const folder = t.testdir();
  await artifact(join(folder, 'mix'), 'eval');
  await t.rejects(readRun(folder), { message: /mix\/manifest\.json: kind = "eval"/ });
  await t.rejects(readRun(join(folder, 'none')), { message: /--run = ".*none": no such folder; run "make / });
});

t.test('the command', async (t) => {
  const folder = t.testdir();
  await writeCompleteRun(join(folder, 'maths'));
  const out = join(folder, 'report.html');
  const first = await runStage('report', { run: join(folder, 'maths'), out });
  t.equal(first.stderr, '');
  t.strictSame(first.stdout.split('\n'), [
    'held_out            kl  cross_entropy  perplexity  agreement  positions',
    'before             4.5            2.5       12.18        0.5      1,000',
    'main      1.25 (-3.25)            2.5       12.18        0.5      1,000',
    'slow          2 (-2.5)            2.5       12.18        0.5      1,000',
    '',
    'gsm8k   exact_match,strict-match',
    'before                       0.4',
    'main                  0.5 (+0.1)',
    'slow                         0.4',
    '',
    ...['mmlu    acc', 'before  0.4', 'main    0.4', 'slow    0.4', ''],
    ...['mmlu_anatomy  acc', 'before        0.4', 'main          0.4', 'slow          0.4', ''],
    out,
    '',
  ]);
  const page = await readFile(out, 'utf8');
  await runStage('report', { run: `${join(folder, 'maths')}/`, out });
  t.equal(await readFile(out, 'utf8'), page, 'the same run, the same bytes');

  const refused = (flags: Record<string, string>, stderr: RegExp) =>
    t.rejects(runStage('report', flags), { code: 1, stderr });
  const nowhere = { run: join(folder, 'none'), out: join(folder, 'none.html') };
  await refused(nowhere, /^report: --run = .*no such folder.*\n$/);
  await refused({ out }, /^report: Missing required argument: run; run .*--help"\n$/);
});
