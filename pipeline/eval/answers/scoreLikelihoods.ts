// Log-likelihoods of continuations, each token computed once: requests in lexicographic order of their ids share what
// they begin with, within a batch as a tree, and across batches (the shots of a task) by caching its keys and values.
// Only positions that predict a continuation's token go through the head. As lm-evaluation-harness's hf backend
// computes it (_loglikelihood_tokens), except that the log-softmax is float32 for every kind of weight.
import { setImmediate } from 'node:timers/promises';
import { tidyValue } from '../../engine/tidyValue.ts';
import type { Decoder } from '../../model/decoder.ts';
import {
  disposeTokenCache,
  extendTokenCache,
  NO_TOKENS,
  treeStates,
  type TokenCache,
} from '../../model/treeDecoder.ts';
import { commonPrefix, compareSequences, treeLength, tokenTree } from '../../model/tokenTree.ts';
import type { Likelihood } from '../prompts/evalItem.ts';
import type { LikelihoodTokens } from './requestTokens.ts';
import { scoreTargets, type Target } from './tokenScores.ts';

export interface ScoringOptions {
  /** Tokens of a forward pass, shared ones counted once; a longer sequence stands alone. */
  batchTokens?: number;
  /** Positions that go through the head at once. */
  headBlock?: number;
  /** Of a request by its index. A batch of answered ones is left out; no other batch is another one for it. */
  isAnswered?: (index: number) => boolean;
}

/** The likelihood of `requests[index]`. */
export interface ScoredRequest {
  index: number;
  likelihood: Likelihood;
}

interface IndexedRequest extends LikelihoodTokens {
  index: number;
  /** What the model reads: all ids but the last. */
  inputs: Int32Array;
}

/** A shorter beginning is not worth a forward pass of its own. */
const LEAST_CACHED = 32;

/**
 * Scores requests batch by batch, in an order that has shared beginnings together.
 * @throws UserError when the model gives a logit that is NaN or infinite.
 */
export async function* scoreLikelihoods(
  decoder: Decoder,
  requests: readonly LikelihoodTokens[],
  { batchTokens = 4096, headBlock = 512, isAnswered = () => false }: ScoringOptions = {},
): AsyncGenerator<ScoredRequest[]> {
  const sorted = requests
    .map((request, index) => ({ ...request, index, inputs: request.ids.subarray(0, -1) }))
    .sort((a, b) => compareSequences(a.inputs, b.inputs) || a.index - b.index);
  if (sorted.length > 0) yield* scoreSorted(decoder, sorted, { batchTokens, headBlock, isAnswered });
}

async function* scoreSorted(
  decoder: Decoder,
  requests: readonly IndexedRequest[],
  options: Required<ScoringOptions>,
  cached: TokenCache = NO_TOKENS,
): AsyncGenerator<ScoredRequest[]> {
  if (requests.every(({ index }) => options.isAnswered(index))) return;
  const start = cached.length;
  if (treeLength(inputsOf(requests), { start }) <= options.batchTokens) {
    yield scorePack(decoder, requests, options, cached);
    await setImmediate();
    return;
  }
  const shared = cacheablePrefix(requests);
  if (shared - start >= LEAST_CACHED) {
    const beginning = tokenTree([requests[0]!.inputs.subarray(0, shared)], { start });
    const longer = extendTokenCache(decoder, beginning, cached);
    try {
      yield* scoreSorted(decoder, requests, options, longer);
    } finally {
      disposeTokenCache(longer);
    }
    return;
  }
  const parts = partsOf(requests, { start, batchTokens: options.batchTokens });
  if (parts.length === 1) yield scorePack(decoder, requests, options, cached);
  else for (const part of parts) yield* scoreSorted(decoder, part, options, cached);
}

/** How many tokens all begin with before the first position that predicts anything. */
function cacheablePrefix(requests: readonly IndexedRequest[]): number {
  const shared = commonPrefix(requests[0]!.inputs, requests.at(-1)!.inputs);
  return requests.reduce((least, { inputs, targets }) => Math.min(least, inputs.length - targets), shared);
}

/** Cuts where the requests part ways; neighbours stay together as long as they fit into a batch. */
function partsOf(
  requests: readonly IndexedRequest[],
  { start, batchTokens }: { start: number; batchTokens: number },
): IndexedRequest[][] {
  const fork = commonPrefix(requests[0]!.inputs, requests.at(-1)!.inputs);
  const branches: IndexedRequest[][] = [];
  for (const request of requests) {
    const last = branches.at(-1);
    if (last && last[0]!.inputs[fork] === request.inputs[fork]) last.push(request);
    else branches.push([request]);
  }
  const parts: IndexedRequest[][] = [];
  for (const branch of branches) {
    const joined = [...(parts.at(-1) ?? []), ...branch];
    if (parts.length > 0 && treeLength(inputsOf(joined), { start }) <= batchTokens)
      parts[parts.length - 1] = joined;
    else parts.push(branch);
  }
  return parts;
}

function inputsOf(requests: readonly IndexedRequest[]): Int32Array[] {
  return requests.map(({ inputs }) => inputs);
}

function scorePack(
  decoder: Decoder,
  requests: readonly IndexedRequest[],
  { headBlock }: Required<ScoringOptions>,
  cached: TokenCache,
): ScoredRequest[] {
  const tree = tokenTree(inputsOf(requests), { start: cached.length });
  const targets = requests.map(({ ids, targets }, r) =>
    Array.from({ length: targets }, (_, i): Target => {
      const row = tree.places[r]!.at(i - targets)!;
      return { row, token: ids.at(i - targets)! };
    }),
  );
  const scores = tidyValue(() => {
    const hidden = treeStates(decoder, tree, { cached });
    return scoreTargets(hidden, targets.flat(), { head: decoder.head, headBlock });
  });
  let next = 0;
  return requests.map(({ index, truncated, targets }) => {
    const own = scores.slice(next, (next += targets));
    const logLikelihood = own.reduce((sum, { logProb }) => sum + logProb, 0);
    return { index, likelihood: { logLikelihood, isGreedy: own.every(({ isBest }) => isBest), truncated } };
  });
}
