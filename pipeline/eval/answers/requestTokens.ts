// Requests as token ids, exactly as lm-evaluation-harness 0.4.13's hf backend makes them (api/model.py: _encode_pair,
// loglikelihood; models/huggingface.py: tok_encode, tok_batch_encode, generate_until).
import { UserError } from '../../config/userError.ts';
import type { ChatTokenizer } from '../../mix/tokenizer.ts';
import type { GenerationRequest, LikelihoodRequest } from '../prompts/evalItem.ts';
import { stripEnd } from '../prompts/pythonText.ts';

/** A context and its continuation, cut on the left to what the model holds. */
export interface LikelihoodTokens {
  ids: Int32Array;
  /** How many at the end of `ids` are scored; the one before the first of them is there. */
  targets: number;
  truncated: number;
}

/** A context to go on from, cut on the left so that the answer has room. */
export interface GenerationTokens extends Pick<GenerationRequest, 'until' | 'maxNewTokens'> {
  ids: Int32Array;
  truncated: number;
}

/** `maxLength`: tokens that the model holds, `max_position_embeddings` of its config.json. */
export interface ContextOptions {
  maxLength: number;
}

/** Texts encoded at once: the library's encodings take far more memory than the ids. */
const ENCODED_AT_ONCE = 256;

export async function likelihoodTokens(
  tokenizer: ChatTokenizer,
  requests: readonly LikelihoodRequest[],
  { maxLength }: ContextOptions,
): Promise<LikelihoodTokens[]> {
  const pairs = requests.map(moveTrailingSpace);
  const prefix = prefixToken(tokenizer);
  const withContext = pairs.filter(({ context }) => context !== '');
  const encode = await encoder(tokenizer, {
    texts: withContext.flatMap(({ context, continuation }) => [context, context + continuation]),
    bosText: prefix.text,
  });
  const plain = await encoder(tokenizer, {
    texts: pairs.flatMap(({ context, continuation }) => (context === '' ? [continuation] : [])),
  });
  return pairs.map(({ context, continuation }) => {
    if (context !== '') return cutLeft(encode(context + continuation), encode(context).length, maxLength);
    const ids = plain(continuation);
    return cutLeft(ids[0] === prefix.id ? ids : Int32Array.of(prefix.id, ...ids), 1, maxLength);
  });
}

export async function generationTokens(
  tokenizer: ChatTokenizer,
  requests: readonly GenerationRequest[],
  { maxLength }: ContextOptions,
): Promise<GenerationTokens[]> {
  const texts = requests.map(({ context }) => context);
  const longest = Math.max(0, ...requests.map(({ maxNewTokens }) => maxNewTokens));
  if (longest >= maxLength)
    throw new UserError({
      file: 'eval.yaml',
      field: 'max_gen_toks',
      value: longest,
      problem: `the model holds ${maxLength} tokens, which leaves none for the context`,
      remedy: `set it below ${maxLength}`,
    });
  const encode = await encoder(tokenizer, { texts, bosText: tokenizer.bosToken ?? null });
  return requests.map(({ context, until, maxNewTokens }) => {
    const encoded = encode(context);
    const whole = encoded.length > 0 ? encoded : Int32Array.of(prefixToken(tokenizer).id);
    const ids = whole.subarray(-(maxLength - maxNewTokens));
    return { ids, until, maxNewTokens, truncated: whole.length - ids.length };
  });
}

/** White space at the end of the context belongs to the first word of the continuation, as tokens see it. */
function moveTrailingSpace({ context, continuation }: LikelihoodRequest) {
  const kept = stripEnd(context);
  return { context: kept, continuation: context.slice(kept.length) + continuation };
}

/** What stands in for an empty context: the BOS token, else the EOS token. */
function prefixToken({ bosToken, eosToken, vocabulary }: ChatTokenizer): { id: number; text: string } {
  const text = bosToken ?? eosToken;
  const id = text === undefined ? undefined : vocabulary.get(text);
  if (text === undefined || id === undefined)
    throw new UserError({
      file: 'tokenizer_config.json',
      problem:
        'names neither a bos_token nor an eos_token of the vocabulary, one of which begins an empty context',
    });
  return { id, text };
}

/** The last `maxLength` inputs and the token after them. */
function cutLeft(whole: Int32Array, contextLength: number, maxLength: number): LikelihoodTokens {
  const ids = whole.subarray(-(maxLength + 1));
  const targets = Math.min(whole.length - contextLength, ids.length - 1);
  if (targets < 1) throw new Error('a continuation adds no token to its context');
  return { ids, targets, truncated: whole.length - ids.length };
}

/**
 * Encodes texts, each once, and looks them up. With `bosText` what the post-processor adds is added, unless the text
 * begins with that already; without it nothing is.
 */
async function encoder(
  tokenizer: ChatTokenizer,
  { texts, bosText }: { texts: readonly string[]; bosText?: string | null },
): Promise<(text: string) => Int32Array> {
  const unique = [...new Set(texts)];
  const known = new Map<string, Int32Array>();
  const isBare = (text: string) => bosText === undefined || (bosText !== null && text.startsWith(bosText));
  for (const addSpecialTokens of [false, true]) {
    const group = unique.filter((text) => isBare(text) !== addSpecialTokens);
    for (let begin = 0; begin < group.length; begin += ENCODED_AT_ONCE) {
      const some = group.slice(begin, begin + ENCODED_AT_ONCE);
      const encoded = await tokenizer.encodeBatch(some, { addSpecialTokens });
      some.forEach((text, i) => known.set(text, Int32Array.from(encoded[i]!)));
    }
  }
  return (text) => known.get(text)!;
}
