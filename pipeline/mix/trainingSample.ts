// A conversation as token ids with a loss mask. The target never passes the chat template as history: R1's template
// cuts an assistant message before </think>, which would throw the trace away. So the prompt is rendered up to the
// assistant's turn, and the raw response plus the template's own end-of-turn token are appended, tokenized apart:
// the boundary between what is given and what is learned is then exact.
import { createHash } from 'node:crypto';
import { UserError } from '../config/userError.ts';
import type { Conversation } from './datasetFormats.ts';
import type { MixConfig } from './mixConfig.ts';
import type { ChatTokenizer } from './tokenizer.ts';

/** The text of a sample: `prompt` as rendered, `response` without its end token. */
export interface SampleText {
  prompt: string;
  response: string;
}

/** A sample of L tokens. `lossMask` is 1 where the token is learned; never at the first, which nothing predicts. */
export interface EncodedSample {
  id: string;
  tokenIds: Int32Array; // [L]
  lossMask: Uint8Array; // [L]
}

/** Why a conversation gives no sample. */
export interface Rejected {
  reason:
    'refused_by_template' | 'contains_end_token' | 'too_long' | 'prompt_too_long' | 'response_too_short';
}

/**
 * Renders a conversation. Where the template opens the thinking itself (`<think>` ends the generation prompt), a response
 * that brings the tag loses it, and a response without a trace takes the place of the whole thinking, as the
 * template renders such an answer.
 */
export function sampleText(
  { prompt, response }: Conversation,
  { tokenizer, systemPrompt }: { tokenizer: Pick<ChatTokenizer, 'renderChat'>; systemPrompt: string | null },
): SampleText | Rejected {
  const bringsSystem = systemPrompt === null || prompt.some(({ role }) => role === 'system');
  const messages = bringsSystem ? prompt : [{ role: 'system', content: systemPrompt }, ...prompt];
  const rendered = renderPrompt(messages, tokenizer);
  if (rendered === undefined) return { reason: 'refused_by_template' };
  const opening = /<think>\s*$/.exec(rendered);
  if (!opening) return { prompt: rendered, response };
  if (!response.includes('</think>')) return { prompt: rendered.slice(0, opening.index), response };
  return { prompt: rendered, response: response.replace(/^\s*<think>\n?/, '') };
}

/** Undefined when the template refuses the messages, such as roles that do not alternate. */
function renderPrompt(
  messages: Conversation['prompt'],
  tokenizer: Pick<ChatTokenizer, 'renderChat'>,
): string | undefined {
  try {
    return tokenizer.renderChat(messages, { addGenerationPrompt: true });
  } catch (error) {
    if (error instanceof UserError) throw error;
    return undefined;
  }
}

/** Makes token ids and loss masks of texts, in their order. */
export type SampleEncoder = (texts: readonly SampleText[]) => Promise<(EncodedSample | Rejected)[]>;

type Rules = Pick<MixConfig, 'max_tokens' | 'overlength' | 'min_response_tokens' | 'loss_on'>;

/** The encoder that follows a mix's rules on length and loss. */
export async function sampleEncoder(tokenizer: ChatTokenizer, rules: Rules): Promise<SampleEncoder> {
  const end = await tokenizer.encode(tokenizer.endOfTurn());
  return async (texts) => {
    const ids = await tokenizer.encodeBatch(texts.flatMap(({ prompt, response }) => [prompt, response]));
    return texts.map((_, i) => joinTokens({ prompt: ids[2 * i]!, response: ids[2 * i + 1]!, end }, rules));
  };
}

/**
 * A response that is cut is learned up to the cut, without an end token: what follows is unknown, not over. Of a trace that
 * is its beginning, never with a </think> put in, which would teach to stop thinking anywhere.
 */
function joinTokens(
  { prompt, response, end }: { prompt: number[]; response: number[]; end: number[] },
  { max_tokens, overlength, min_response_tokens, loss_on }: Rules,
): EncodedSample | Rejected {
  if (response.length < min_response_tokens) return { reason: 'response_too_short' };
  if (response.includes(end[0]!)) return { reason: 'contains_end_token' };
  const whole = [...prompt, ...response, ...end];
  if (whole.length > max_tokens && overlength === 'drop') return { reason: 'too_long' };
  if (prompt.length + min_response_tokens > max_tokens) return { reason: 'prompt_too_long' };
  const tokenIds = Int32Array.from(whole.slice(0, max_tokens));
  const lossMask = new Uint8Array(tokenIds.length).fill(1, loss_on === 'all' ? 1 : prompt.length);
  return { id: sampleId({ tokenIds, lossMask }), tokenIds, lossMask };
}

/** The first 32 hex digits of the sha256 over the token ids (int32, little endian) and the loss mask. */
export function sampleId({ tokenIds, lossMask }: Omit<EncodedSample, 'id'>): string {
  const bytes = new DataView(new ArrayBuffer(4 * tokenIds.length));
  tokenIds.forEach((id, i) => bytes.setInt32(4 * i, id, true));
  return createHash('sha256').update(bytes).update(lossMask).digest('hex').slice(0, 32);
}
