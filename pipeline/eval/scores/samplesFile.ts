// samples_<task>.jsonl: every item with what it was asked, what was answered and how that scored, one line per item and
// filter under the keys of lm-evaluation-harness 0.4.13, its hashes included, so that its tools read these files.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { commitFile, type FileRecord } from '../../artifact/commitFile.ts';
import { sha256OfText } from '../../artifact/fingerprint.ts';
import { parseJsonObject } from '../../artifact/jsonFile.ts';
import { UserError } from '../../config/userError.ts';
import type {
  EvalItem,
  GenerationRequest,
  Likelihood,
  LikelihoodRequest,
  TaskFilter,
} from '../prompts/evalItem.ts';
import { itemScores, type Responses, type Score, type Scoring } from './itemScores.ts';
import { filterResponse, NO_FILTER } from './responseFilters.ts';

/** An item with its answers. */
export interface AnsweredItem {
  item: EvalItem;
  responses: Responses;
}

/** What a task's samples amount to. */
export interface ScoredSamples {
  file: FileRecord;
  /** By item, in the order given. */
  scores: Record<string, Score>[];
  /** sha256 over the hashes of all lines: equal for equal documents, prompts and targets. */
  hash: string;
}

/** The file of a task's samples in the folder `out`. */
export function samplesPath(out: string, task: string): string {
  return join(out, `samples_${task}.jsonl`);
}

/** Scores the items of `task` and commits `out`/samples_<task>.jsonl, as lm-eval in the order filter, item. */
export async function writeSamples(
  out: string,
  { task, items, scoring }: { task: string; items: readonly AnsweredItem[]; scoring: Scoring },
): Promise<ScoredSamples> {
  const scores = items.map(({ item, responses }) => itemScores(item, responses, scoring));
  const hashes = createHash('sha256');
  let rows = 0;
  const file = await commitFile(samplesPath(out, task), async (write) => {
    for (const filter of scoring.filters ?? [NO_FILTER])
      for (const [i, answered] of items.entries()) {
        const sample = sampleOf(answered, { filter, scores: scores[i]! });
        hashes.update(sample.doc_hash + sample.prompt_hash + sample.target_hash);
        await write(JSON.stringify(sample) + '\n');
        rows += 1;
      }
  });
  return { file: { ...file, rows }, scores, hash: hashes.digest('hex') };
}

/**
 * The scores in a file of samples, by `doc_id`, under keys such as `acc,none`.
 * @throws UserError naming file and line where it is something else.
 */
export async function readSampleScores(path: string): Promise<Map<number, Record<string, Score>>> {
  const byItem = new Map<number, Record<string, Score>>();
  const handle = await open(path);
  let line = 0;
  for await (const text of handle.readLines()) {
    line += 1;
    const where = `${path}, line ${line}`;
    const { doc_id, filter, metrics, ...sample } = parseJsonObject(text, where);
    if (typeof doc_id !== 'number' || !Array.isArray(metrics))
      throw new UserError({ file: where, problem: 'not a sample: doc_id and metrics are missing' });
    const scores = (metrics as string[]).map((metric) => [
      `${metric},${String(filter)}`,
      sample[metric] as Score,
    ]);
    byItem.set(doc_id, { ...byItem.get(doc_id), ...(Object.fromEntries(scores) as Record<string, Score>) });
  }
  return byItem;
}

function sampleOf(
  { item, responses }: AnsweredItem,
  { filter, scores }: { filter: TaskFilter; scores: Record<string, Score> },
) {
  const suffix = `,${filter.name}`;
  const own = Object.entries(scores).filter(([key]) => key.endsWith(suffix));
  const metrics = own.map(([key, score]) => [key.slice(0, -suffix.length), score] as const);
  const raw = responses.map(rawResponse);
  return {
    doc_id: item.docId,
    doc: item.doc,
    target: item.target,
    arguments: Object.fromEntries(item.requests.map((request, i) => [`gen_args_${i}`, argumentsOf(request)])),
    resps: raw.map((response) => [response]),
    filtered_resps: raw.map((response) =>
      typeof response === 'string' ? filterResponse(response, filter) : response,
    ),
    filter: filter.name,
    metrics: metrics.map(([name]) => name),
    doc_hash: sha256OfText(JSON.stringify(item.doc, null, 2)),
    prompt_hash: sha256OfText(item.requests[0].context),
    target_hash: sha256OfText(item.target),
    ...Object.fromEntries(metrics),
  };
}

function argumentsOf(request: LikelihoodRequest | GenerationRequest) {
  if (request.kind === 'loglikelihood') return { arg_0: request.context, arg_1: request.continuation };
  const { context, until, maxNewTokens } = request;
  return { arg_0: context, arg_1: { until, do_sample: false, temperature: 0, max_gen_toks: maxNewTokens } };
}

/** A text, or a likelihood as the words that Python makes of it. */
function rawResponse(response: Responses[number]): string | [string, string] {
  return 'text' in response ? response.text : likelihoodWords(response);
}

function likelihoodWords({ logLikelihood, isGreedy }: Likelihood): [string, string] {
  return [pythonFloat(logLikelihood), isGreedy ? 'True' : 'False'];
}

/** repr() of a float: the shortest digits that name it, with an exponent below 10⁻⁴ and from 10¹⁶. */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) return String(value).replace('Infinity', 'inf').replace('NaN', 'nan');
  const [digits, exponent] = value.toExponential().split('e') as [string, string];
  if (value !== 0 && (Number(exponent) < -4 || Number(exponent) >= 16))
    return `${digits}e${exponent[0]!}${exponent.slice(1).padStart(2, '0')}`;
  return Number.isInteger(value) ? `${Object.is(value, -0) ? '-' : ''}${value}.0` : String(value);
}
