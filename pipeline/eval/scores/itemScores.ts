// The scores of one item from what the model answered, as lm-evaluation-harness 0.4.13 computes them: accuracies of
// the most probable choice, the probability mass of the true ones, exact matches, and IFEval's verdicts.
import type { Doc, EvalItem, Generation, Likelihood, TaskFilter, TaskMetric } from '../prompts/evalItem.ts';
import { ifevalScores } from '../ifeval/ifevalScores.ts';
import { pythonRegex } from './pythonRegex.ts';
import { codePoints } from '../prompts/pythonText.ts';
import { filterResponse, NO_FILTER } from './responseFilters.ts';

/** A number to average, or one verdict per instruction. */
export type Score = number | boolean[];

/** What was answered to an item's requests, in their order. */
export type Responses = readonly Likelihood[] | readonly Generation[];

/** What a task measures. */
export interface Scoring {
  metrics: readonly TaskMetric[];
  /** `none`, which changes nothing, where the task gives none. */
  filters?: readonly TaskFilter[];
}

/** The scores of `item`, by metric and filter, such as `acc,none` or `exact_match,strict-match`. */
export function itemScores(
  item: EvalItem,
  responses: Responses,
  { metrics, filters = [NO_FILTER] }: Scoring,
): Record<string, Score> {
  const scores = filters.map((filter) =>
    metrics
      .flatMap((metric) => Object.entries(metricScores(item, responses, { metric, filter })))
      .map(([name, score]) => [`${name},${filter.name}`, score] as const),
  );
  return Object.fromEntries(scores.flat());
}

function metricScores(
  item: EvalItem,
  responses: Responses,
  { metric, filter }: { metric: TaskMetric; filter: TaskFilter },
): Record<string, Score> {
  const answer = () => filterResponse(generationOf(responses).text, filter);
  switch (metric.metric) {
    case 'exact_match':
      return { exact_match: isExactMatch(answer(), item.target, metric) ? 1 : 0 };
    case 'ifeval':
      return { ...ifevalScores(item.doc, answer()) };
    case 'mc2':
      return { acc: trueMass(item.doc, likelihoodsOf(responses)) };
    default:
      return { [metric.metric]: choosesGold(item, likelihoodsOf(responses), LENGTHS[metric.metric]) ? 1 : 0 };
  }
}

/** By what the log-likelihood of a choice is divided. */
const LENGTHS = {
  acc: () => 1,
  acc_norm: codePoints,
  acc_bytes: (text: string) => Buffer.byteLength(text),
};

/** Whether the most probable choice is the right one; the first of equals counts, as in numpy's argmax. */
function choosesGold(
  { gold, choices = [] }: EvalItem,
  likelihoods: number[],
  length: (choice: string) => number,
): boolean {
  const normalized = likelihoods.map((logLikelihood, i) => logLikelihood / length(choices[i]!));
  return normalized.indexOf(Math.max(...normalized)) === gold;
}

/** truthfulqa_mc2: the share of the probability that lies on choices labelled 1. */
function trueMass({ mc2_targets }: Doc, likelihoods: number[]): number {
  const { labels } = mc2_targets as { labels: number[] };
  const mass = likelihoods.map(Math.exp);
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  const total = sum(mass);
  return sum(mass.map((value) => value / total).filter((_, i) => labels[i] === 1));
}

/** Whether two texts are equal after the same simplifications, in the order of Hugging Face's exact_match. */
function isExactMatch(prediction: string, reference: string, metric: TaskMetric): boolean {
  const simplify = (text: string) => {
    const kept = (metric.regexes_to_ignore ?? []).reduce(
      (rest, pattern) => rest.replace(pythonRegex(pattern), ''),
      text,
    );
    const cased = metric.ignore_case ? kept.toLowerCase() : kept;
    return metric.ignore_punctuation ? cased.replace(ASCII_PUNCTUATION, '') : cased;
  };
  return simplify(prediction) === simplify(reference);
}

/** Python's string.punctuation. */
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;

function likelihoodsOf(responses: Responses): number[] {
  return responses.map((response) => (response as Likelihood).logLikelihood);
}

function generationOf(responses: Responses): Generation {
  return responses[0] as Generation;
}
