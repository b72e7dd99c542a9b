// Greedy answers of several requests at once, as lm-evaluation-harness's hf backend gets them from transformers: a row
// ends with an end token, a stop text or its most tokens; special tokens are left out of the text, which is then cut at
// each stop text. A row that has ended makes room for the next request.
import { setImmediate } from 'node:timers/promises';
import type { Tensor } from '../../engine/tensorflow.ts';
import type { ChatTokenizer } from '../../mix/tokenizer.ts';
import type { Decoder } from '../../model/decoder.ts';
import { compareSequences } from '../../model/tokenTree.ts';
import { capacityOf, disposeRowCache, joinRows, prefill, step, type RowCache } from '../../model/rowCache.ts';
import type { Generation } from '../prompts/evalItem.ts';
import { mostProbable } from './mostProbable.ts';
import type { GenerationTokens } from './requestTokens.ts';

export interface GeneratingOptions {
  /** Requests that are answered at once. */
  rows?: number;
  /** Tokens of prompts that are read at once; a longer prompt stands alone. */
  batchTokens?: number;
  /** Of generation_config.json: logits of tokens that have occurred are divided by it, negative ones multiplied. */
  repetitionPenalty?: number;
}

/** The answer to `requests[index]`. */
export interface GeneratedAnswer {
  index: number;
  generation: Generation;
}

/** A request that is being answered. */
interface Row {
  index: number;
  request: GenerationTokens;
  stop: StopTexts;
  /** New tokens; the last of them is not cached yet. */
  tokens: number[];
  ended: boolean;
  reported: boolean;
}

/** The rows of a cache. */
interface Session {
  rows: Row[];
  cache: RowCache;
}

type Waiting = Pick<Row, 'index' | 'request'>;
type Options = Required<GeneratingOptions> & { decoder: Decoder; tokenizer: ChatTokenizer };

/** Tokens for which a cache has room beyond its longest row; then it is copied. */
const ROOM = 64;

/** Answers requests, longest prompts first, each as soon as it has ended. */
export async function* generateGreedily(
  decoder: Decoder,
  tokenizer: ChatTokenizer,
  requests: readonly GenerationTokens[],
  { rows = 16, batchTokens = 4096, repetitionPenalty = 1 }: GeneratingOptions = {},
): AsyncGenerator<GeneratedAnswer[]> {
  const options: Options = { decoder, tokenizer, rows, batchTokens, repetitionPenalty };
  const waiting: Waiting[] = requests
    .map((request, index) => ({ request, index }))
    .sort((a, b) => b.request.ids.length - a.request.ids.length || a.index - b.index);
  let session = await nextSession(undefined, waiting, options);
  try {
    while (session) {
      const ended = session.rows.filter(({ ended, reported }) => ended && !reported);
      for (const row of ended) row.reported = true;
      if (ended.length > 0) yield await Promise.all(ended.map((row) => answer(row, tokenizer)));
      if (isThinOrFull(session)) session = await nextSession(session, waiting, options);
      else await addTokens(stepAll(decoder, session), session.rows, options);
      await setImmediate();
    }
  } finally {
    if (session) disposeRowCache(session.cache);
  }
}

/** Whether it is time to copy the cache: enough rows have ended, or one has no room for another token. */
function isThinOrFull({ rows, cache }: Session): boolean {
  const ended = rows.filter(({ ended }) => ended).length;
  return (ended > 0 && ended >= rows.length / 4) || Math.max(...cache.lengths) === capacityOf(cache);
}

/** The rows that go on and, in the places of the others, requests that have waited; nothing when all is done. */
async function nextSession(
  last: Session | undefined,
  waiting: Waiting[],
  options: Options,
): Promise<Session | undefined> {
  const parts: { cache: RowCache; rows: number[] }[] = [];
  const rows: Row[] = [];
  if (last) {
    const going = last.rows.flatMap(({ ended }, b) => (ended ? [] : [b]));
    parts.push({ cache: last.cache, rows: going });
    rows.push(...going.map((b) => last.rows[b]!));
  }
  try {
    while (rows.length < options.rows && waiting.length > 0) {
      const taken = takePrompts(waiting, { ...options, rows: options.rows - rows.length });
      const admitted = await Promise.all(taken.map((request) => newRow(request, options)));
      const { cache, states } = prefill(
        options.decoder,
        admitted.map(({ request }) => request.ids),
      );
      parts.push({ cache, rows: [...admitted.keys()] });
      rows.push(...admitted);
      await addTokens(states, admitted, options);
    }
  } catch (error) {
    for (const { cache } of parts) disposeRowCache(cache);
    throw error;
  }
  if (rows.length > 0) return { rows, cache: joinRows(parts, ROOM) };
  if (last) disposeRowCache(last.cache);
  return undefined;
}

/** Takes the next prompts that are read together, in lexicographic order. */
function takePrompts(
  waiting: Waiting[],
  { rows, batchTokens }: Pick<Options, 'rows' | 'batchTokens'>,
): Waiting[] {
  const taken = waiting.splice(0, 1);
  let tokens = taken[0]!.request.ids.length;
  while (taken.length < rows && waiting.length > 0) {
    tokens += waiting[0]!.request.ids.length;
    if (tokens > batchTokens) break;
    taken.push(waiting.shift()!);
  }
  return taken.sort((a, b) => compareSequences(a.request.ids, b.request.ids));
}

async function newRow({ index, request }: Waiting, { tokenizer }: Options): Promise<Row> {
  const stop = await stopTexts(request.until, tokenizer);
  return { index, request, stop, tokens: [], ended: false, reported: false };
}

function stepAll(decoder: Decoder, { rows, cache }: Session): Tensor {
  return step(
    decoder,
    rows.map(({ tokens }) => tokens.at(-1)!),
    cache,
  );
}

/** Gives each row the token that follows its state [B, D]; the states are freed. */
async function addTokens(states: Tensor, rows: readonly Row[], options: Options): Promise<void> {
  const { decoder, repetitionPenalty } = options;
  const seen = rows.map(({ request, tokens }) => [...request.ids, ...tokens]);
  const best = mostProbable(states, seen, { head: decoder.head, repetitionPenalty });
  for (const [b, row] of rows.entries()) {
    if (row.ended) continue;
    row.tokens.push(best[b]!);
    row.ended = await hasEnded(row, options);
  }
}

/** The texts an answer ends before, and how many tokens at its end may hold one. */
interface StopTexts {
  texts: string[];
  lookBack: number;
}

/** The text of the end token is one of them, as in lm-evaluation-harness. */
async function stopTexts(until: readonly string[], tokenizer: ChatTokenizer): Promise<StopTexts> {
  const texts = [...new Set([...until, tokenizer.eosToken ?? ''])].filter((text) => text !== '');
  const lengths = (await tokenizer.encodeBatch(texts)).map(({ length }) => length);
  return { texts, lookBack: Math.max(0, ...lengths) + 2 }; // other tokens may spell it too
}

async function hasEnded({ tokens, request, stop }: Row, { decoder, tokenizer }: Options): Promise<boolean> {
  if (tokens.length >= request.maxNewTokens) return true;
  if (decoder.config.eosTokenIds.includes(tokens.at(-1)!)) return true;
  const end = await tokenizer.decode(tokens.slice(-stop.lookBack));
  return stop.texts.some((text) => end.includes(text));
}

async function answer(
  { index, request, tokens, stop }: Row,
  tokenizer: ChatTokenizer,
): Promise<GeneratedAnswer> {
  const whole = await tokenizer.decode(tokens, { skipSpecialTokens: true });
  const text = stop.texts.reduce((kept, term) => kept.split(term)[0]!, whole);
  return { index, generation: { text, truncated: request.truncated } };
}
