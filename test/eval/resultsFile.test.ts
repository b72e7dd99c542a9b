// results.json and samples against the files that lm_eval 0.4.13 wrote for the same answers
// (test/golden/eval/makeResults.py).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { EvalItem, TaskFilter, TaskMetric } from '../../pipeline/eval/prompts/evalItem.ts';
import { evaluationResults, type EvaluatedTask } from '../../pipeline/eval/scores/evaluationResults.ts';
import type { Scoring } from '../../pipeline/eval/scores/itemScores.ts';
import { readResults, writeResults } from '../../pipeline/eval/scores/resultsFile.ts';
import {
  pythonFloat,
  readSampleScores,
  samplesPath,
  writeSamples,
  type AnsweredItem,
} from '../../pipeline/eval/scores/samplesFile.ts';
import { readJson } from '../readJson.ts';

interface Sample {
  doc_id: number;
  doc: { choices?: string[] };
  target: string;
  arguments: Record<string, { arg_0: string; arg_1: string | { until: string[] } }>;
  resps: [string | [string, string]][];
  filter: string;
  [metric: string]: unknown;
}

const golden = readJson('test/golden/eval/results.json') as {
  keys: string[];
  results: Record<string, unknown>;
  samples: Record<string, Sample[]>;
};

const number = String.raw`([0-9,]+)`;
const SUMS: Scoring = {
  metrics: [{ metric: 'exact_match', ignore_case: true, regexes_to_ignore: ['(?s).*#### '] }],
  filters: [
    { name: 'first', steps: [{ function: 'regex', regex_pattern: number }, { function: 'take_first' }] },
    { name: 'last', steps: [{ function: 'regex', regex_pattern: number, group_select: -1 }] },
  ] satisfies TaskFilter[],
};
const CHOICES: Scoring = { metrics: [{ metric: 'acc' }, { metric: 'acc_norm' }] satisfies TaskMetric[] };
const scoringOf = (task: string) => (task === 'sums' ? SUMS : CHOICES);

t.test('samples: every line as lm_eval writes it', async (t) => {
  const out = t.testdir();
  for (const [task, wanted] of Object.entries(golden.samples)) {
    const { file } = await writeSamples(out, { task, items: answered(wanted), scoring: scoringOf(task) });
    const lines = readFileSync(samplesPath(out, task), 'utf8').trimEnd().split('\n');
    t.strictSame(
      lines.map((line) => JSON.parse(line) as unknown),
      wanted.map(withTokenLimit),
      task,
    );
    t.equal(file.rows, wanted.length);
  }
});

t.test('samples: the scores are read back', async (t) => {
  const out = t.testdir();
  const items = answered(golden.samples.sums!);
  const { scores } = await writeSamples(out, { task: 'sums', items, scoring: SUMS });
  t.strictSame([...(await readSampleScores(samplesPath(out, 'sums'))).values()], scores);
  const broken = t.testdir({ 'samples_x.jsonl': '{"doc_id":0,"metrics":[],"filter":"none"}\n{"score":1}\n' });
  await t.rejects(readSampleScores(samplesPath(broken, 'x')), {
    message: /samples_x\.jsonl, line 2: not a sample/,
  });
});

t.test('results.json: scores, groups and settings under the same keys', async (t) => {
  const out = t.testdir();
  const tasks: EvaluatedTask[] = [];
  for (const [task, samples] of Object.entries(golden.samples)) {
    const items = answered(samples);
    const { scores, hash } = await writeSamples(out, { task, items, scoring: scoringOf(task) });
    tasks.push({
      task,
      ...(task !== 'sums' && { alias: `the ${task}` }),
      version: task === 'sums' ? 2 : 1,
      numFewshot: 0,
      higherIsBetter: Object.fromEntries(scoringOf(task).metrics.map(({ metric }) => [metric, true])),
      config: { task },
      original: items.length,
      scores,
      hash,
    });
  }
  const looks = {
    group: 'looks',
    alias: 'what things look like',
    version: 3,
    children: ['colours', 'shapes'],
    metrics: [{ metric: 'acc' }, { metric: 'acc_norm', weight_by_size: false }],
  };
  const results = evaluationResults(tasks, [looks], {
    modelName: 'org/model',
    config: { model: 'redistill', limit: null },
    systemInstruction: 'Be brief.',
    maxLength: 2048,
  });
  await writeResults(out, results);
  const read = await readResults(out);
  for (const [key, value] of Object.entries(golden.results)) t.strictSame(read[key], value, key);
  t.strictSame(
    golden.keys.filter((key) => !(key in read)),
    [
      ...['git_hash', 'date', 'pretty_env_info', 'transformers_version', 'lm_eval_version', 'upper_git_hash'],
      'total_evaluation_time_seconds',
    ],
    'and only keys of its surroundings, which differ from run to run, are left out',
  );
  t.match(read, { model_name_sanitized: 'org__model', chat_template_sha: null, max_length: 2048 });
  await t.rejects(readResults(join(out, 'nowhere')), { message: /no such file; run "make eval"/ });
});

t.test('numbers in Python’s words', (t) => {
  const words = {
    '-3.0': -3, '0.0': 0, '-0.0': -0, '0.0001': 1e-4, '1e-05': 1e-5, '-1.5e-07': -1.5e-7, '1e+16': 1e16,
    '1234567890123456.0': 1234567890123456, '-inf': -Infinity, nan: NaN, '0.1': 0.1, '1e-100': 1e-100,
  }; // prettier-ignore
  for (const [text, value] of Object.entries(words)) t.equal(pythonFloat(value), text);
  t.end();
});

/** What the golden's samples were made from: the lines of the first filter hold every item once. */
function answered(samples: readonly Sample[]): AnsweredItem[] {
  return samples.filter(({ filter }) => filter === samples[0]!.filter).map(answeredItem);
}

function answeredItem({ doc_id: docId, doc, target, arguments: asked, resps }: Sample): AnsweredItem {
  const requests = Object.values(asked).map(({ arg_0: context, arg_1 }) =>
    typeof arg_1 === 'string'
      ? { kind: 'loglikelihood' as const, context, continuation: arg_1 }
      : { kind: 'generate_until' as const, context, until: arg_1.until, maxNewTokens: 256 },
  );
  const responses = resps.map(([answer]) =>
    typeof answer === 'string'
      ? { text: answer, truncated: 0 }
      : { logLikelihood: Number(answer[0]), isGreedy: answer[1] === 'True', truncated: 0 },
  ) as AnsweredItem['responses'];
  const item = {
    docId,
    doc,
    target,
    ...(doc.choices && { choices: doc.choices, gold: Number(target) }),
    requests: requests as unknown as EvalItem['requests'],
  };
  return { item, responses };
}

/** lm_eval leaves its default limit of new tokens out; we write it down. */
function withTokenLimit(sample: Sample): Sample {
  const asked = Object.entries(sample.arguments).map(([name, { arg_0, arg_1 }]) => [
    name,
    { arg_0, arg_1: typeof arg_1 === 'string' ? arg_1 : { ...arg_1, max_gen_toks: 256 } },
  ]);
  return { ...sample, arguments: Object.fromEntries(asked) as Sample['arguments'] };
}
