// Filters, metrics and IFEval against what lm_eval 0.4.13 logged on real items (../shared): 2,700 GSM8K responses,
// IFEval responses of GPT-4, and the metrics of every golden run.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import type {
  EvalItem,
  LikelihoodRequest,
  TaskFilter,
  TaskMetric,
} from '../../pipeline/eval/prompts/evalItem.ts';
import { ifevalScores } from '../../pipeline/eval/ifeval/ifevalScores.ts';
import { splitSentences } from '../../pipeline/eval/ifeval/splitSentences.ts';
import { splitWords } from '../../pipeline/eval/ifeval/splitWords.ts';
import { itemScores, type Score } from '../../pipeline/eval/scores/itemScores.ts';
import { filterResponse } from '../../pipeline/eval/scores/responseFilters.ts';
import { readJson } from '../readJson.ts';
import { FIXTURES, without } from './needs.ts';

const SCORERS = `${FIXTURES}/scorers`;
const GOLDENS = '../shared/lm_eval/goldens';
const IFEVAL = '../shared/data/ifeval/train.jsonl';

const NUMBER_FILTERS: TaskFilter[] = [
  {
    name: 'strict-match',
    steps: [{ function: 'regex', regex_pattern: '#### (\\-?[0-9\\.\\,]+)' }, { function: 'take_first' }],
  },
  {
    name: 'flexible-extract',
    steps: [
      { function: 'regex', group_select: -1, regex_pattern: '(-?[$0-9.,]{2,})|(-?[0-9]+)' },
      { function: 'take_first' },
    ],
  },
];
const EXACT_MATCH: TaskMetric = {
  metric: 'exact_match',
  regexes_to_ignore: [',', '\\$', '(?s).*#### ', '\\.$'],
  ignore_case: true,
  ignore_punctuation: false,
};
/** The letter to count is drawn at random by the reference when a prompt asks for `#` or `!`. */
const RANDOM_IN_THE_REFERENCE = [1122, 1129];

interface NumberCase {
  target: string;
  response: string;
  [filter: string]: unknown;
}

void t.test('GSM8K: filtered answers and exact matches', { skip: without('fixtures') }, (t) => {
  const cases = readLines(`${SCORERS}/gsm8k_filters.jsonl`) as NumberCase[];
  for (const { target, response, ...wanted } of cases) {
    const scores = itemScores(generated({ target }), [{ text: response, truncated: 0 }], {
      metrics: [EXACT_MATCH],
      filters: NUMBER_FILTERS,
    });
    for (const filter of NUMBER_FILTERS) {
      const { filtered, exact_match } = wanted[filter.name] as { filtered: string; exact_match: number };
      if (
        filterResponse(response, filter) !== filtered ||
        scores[`exact_match,${filter.name}`] !== exact_match
      )
        t.fail(`${filter.name} of ${JSON.stringify(response)}`, { filtered, exact_match });
    }
  }
  t.pass(`${cases.length} responses, two filters each`);
  t.end();
});

interface IfevalCase {
  key: number;
  response: string;
  inst_level_strict_acc: boolean[];
  inst_level_loose_acc: boolean[];
}

void t.test('IFEval: verdicts on responses of GPT-4', { skip: without('fixtures') }, (t) => {
  const docs = new Map((readLines(IFEVAL) as { key: number }[]).map((doc) => [doc.key, doc]));
  const cases = readLines(`${SCORERS}/ifeval_scored_gpt4.jsonl`) as IfevalCase[];
  for (const { key, response, inst_level_strict_acc, inst_level_loose_acc } of cases) {
    if (RANDOM_IN_THE_REFERENCE.includes(key)) continue;
    const scores = ifevalScores({ ...docs.get(key) }, response);
    t.match(scores, { inst_level_strict_acc, inst_level_loose_acc }, `key ${key}`);
  }
  t.end();
});

void t.test('sentences and words', { skip: without('fixtures') }, (t) => {
  const cases = readJson(`${SCORERS}/nltk_goldens.json`) as {
    text: string;
    sentences: string[];
    words: string[];
  }[];
  for (const { text, sentences, words } of cases) {
    t.strictSame(splitSentences(text), sentences, text);
    t.strictSame(splitWords(text), words, text);
  }
  t.end();
});

interface GoldenItem {
  task: string;
  doc_id: number;
  doc: Record<string, unknown>;
  target: string;
  filter: string;
  metrics: Record<string, Score>;
  requests?: (LikelihoodRequest & { loglikelihood: number; is_greedy: boolean })[];
  generation?: string;
}

void t.test('metrics of the golden runs', { skip: existsSync(GOLDENS) ? false : 'needs ../shared' }, (t) => {
  for (const file of readdirSync(GOLDENS)) {
    const items = readLines(`${GOLDENS}/${file}`) as GoldenItem[];
    const different = items
      .filter((item) => !RANDOM_IN_THE_REFERENCE.includes(Number(item.doc.key)) && !hasItsMetrics(item))
      .map(({ doc_id }) => doc_id);
    t.strictSame(different, [], `${file}: ${items.length} items`);
  }
  t.end();
});

function hasItsMetrics(item: GoldenItem): boolean {
  const metrics = metricsOf(item);
  const scores = item.requests
    ? itemScores(
        { ...item, docId: item.doc_id, requests: asked(item.requests), ...choicesOf(item) },
        item.requests.map(({ loglikelihood, is_greedy }) => ({
          logLikelihood: loglikelihood,
          isGreedy: is_greedy,
          truncated: 0,
        })),
        { metrics },
      )
    : itemScores(generated(item), [{ text: item.generation!, truncated: 0 }], {
        metrics,
        filters: NUMBER_FILTERS.filter(({ name }) => name === item.filter).concat(
          item.filter === 'none' ? [{ name: 'none', steps: [] }] : [],
        ),
      });
  return Object.entries(item.metrics).every(([name, wanted]) => {
    const found = scores[`${name},${item.filter}`];
    return typeof wanted === 'number' && !Number.isInteger(wanted)
      ? Math.abs(Number(found) - wanted) < 1e-12
      : JSON.stringify(found) === JSON.stringify(typeof wanted === 'boolean' ? Number(wanted) : wanted);
  });
}

function metricsOf({ task, metrics }: GoldenItem): TaskMetric[] {
  if (task === 'truthfulqa_mc2') return [{ metric: 'mc2' }];
  if (task === 'gsm8k') return [EXACT_MATCH];
  if (task === 'leaderboard_ifeval') return [{ metric: 'ifeval' }];
  return Object.keys(metrics).map((metric) => ({ metric: metric as 'acc' | 'acc_norm' }));
}

/** What the seam tells beside the target; winogrande's is the sentence's end, the same in both choices. */
function choicesOf({ task, doc, target, requests = [] }: GoldenItem): { gold: number; choices: string[] } {
  const choices = requests.map(({ continuation }) => continuation.replace(/^ /, ''));
  const index = /^\d+$/.test(target) ? Number(target) : choices.indexOf(target);
  return { choices, gold: task === 'winogrande' ? Number(doc.answer) - 1 : index };
}

function asked(requests: readonly LikelihoodRequest[]): LikelihoodRequest[] {
  return requests.map(({ context, continuation }) => ({ kind: 'loglikelihood', context, continuation }));
}

function generated({ target, doc = {} }: { target: string; doc?: Record<string, unknown> }): EvalItem {
  return {
    docId: 0,
    doc,
    target,
    requests: [{ kind: 'generate_until', context: '', until: [], maxNewTokens: 1 }],
  };
}

function readLines(file: string): unknown[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
}
