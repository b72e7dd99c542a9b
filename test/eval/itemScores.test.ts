// Python's regular expressions, filters and metrics against Python's and lm_eval 0.4.13's own
// (test/golden/eval/makeScores.py).
import t from 'tap';
import type { EvalItem, FilterStep, TaskMetric } from '../../pipeline/eval/prompts/evalItem.ts';
import { itemScores, type Responses, type Scoring } from '../../pipeline/eval/scores/itemScores.ts';
import { findAll, pythonRegex, type Dialect } from '../../pipeline/eval/scores/pythonRegex.ts';
import { filterResponse } from '../../pipeline/eval/scores/responseFilters.ts';
import { readJson } from '../readJson.ts';

const golden = readJson('test/golden/eval/scores.json') as {
  texts: string[];
  regex: { pattern: string; dialect: Dialect; found: (string | string[])[][] }[];
  filters: { step: FilterStep; filtered: string[] }[];
  exact: { options: Omit<TaskMetric, 'metric'>; prediction: string; reference: string; score: number }[];
  choices: {
    choices: string[];
    likelihoods: number[];
    gold: number;
    scores: Record<'acc' | 'acc_norm' | 'acc_bytes', number>;
  }[];
  mc2: { likelihoods: number[]; labels: number[]; score: number }[];
};

t.test('what patterns find, in both dialects', (t) => {
  for (const [i, { pattern, dialect, found }] of golden.regex.entries()) {
    const regex = pythonRegex(pattern, { dialect });
    t.strictSame(
      golden.texts.map((text) => findAll(regex, text)),
      found,
      `pattern ${i} in ${dialect}`,
    );
  }
  t.end();
});

t.test('filters', (t) => {
  for (const [i, { step, filtered }] of golden.filters.entries())
    t.strictSame(
      golden.texts.map((text) =>
        filterResponse(text, { name: 'f', steps: [step, { function: 'take_first' }] }),
      ),
      filtered,
      `filter ${i}`,
    );
  t.end();
});

t.test('exact matches', (t) => {
  for (const [i, { options, prediction, reference, score }] of golden.exact.entries()) {
    const item = itemOf({ target: reference });
    const metrics = [{ metric: 'exact_match' as const, ...options }];
    t.strictSame(
      itemScores(item, [{ text: prediction, truncated: 0 }], { metrics }),
      { 'exact_match,none': score },
      `pair ${i}`,
    );
  }
  t.end();
});

t.test('the most probable choice, by character and by byte', (t) => {
  const metrics: Scoring['metrics'] = [{ metric: 'acc' }, { metric: 'acc_norm' }, { metric: 'acc_bytes' }];
  for (const [i, { choices, likelihoods, gold, scores }] of golden.choices.entries()) {
    const found = itemScores(itemOf({ choices, gold }), answers(likelihoods), { metrics });
    const wanted = Object.entries(scores).map(([metric, score]) => [`${metric},none`, score]);
    t.strictSame(found, Object.fromEntries(wanted), `choices ${i}`);
  }
  t.end();
});

t.test('the mass on true choices', (t) => {
  for (const { likelihoods, labels, score } of golden.mc2) {
    const item = itemOf({ doc: { mc2_targets: { labels } } });
    const found = itemScores(item, answers(likelihoods), { metrics: [{ metric: 'mc2' }] });
    t.ok(Math.abs(Number(found['acc,none']) - score) < 1e-15, `${score}`);
  }
  t.end();
});

function itemOf(part: Partial<EvalItem>): EvalItem {
  return { docId: 0, doc: {}, target: '', requests: [], ...part };
}

function answers(likelihoods: readonly number[]): Responses {
  return likelihoods.map((logLikelihood) => ({ logLikelihood, isGreedy: false, truncated: 0 }));
}
