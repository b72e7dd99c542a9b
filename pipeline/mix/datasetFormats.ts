// From a dataset's row to a conversation: the layouts of the five datasets of the original mix, as data.
// A layout says which columns hold the conversation; of a format's layouts the first that a row fills is taken.
// A row that fills none is not an error but a rejection with a reason: public datasets do hold nulls and blanks.
import type { ChatMessage } from './chatTemplate.ts';
import { valueAt } from './columnPath.ts';

/**
 * Where a row keeps its conversation, as paths of columns. `reasoning` is put before the response between think tags;
 * `system` is a column with the system message.
 */
export type Layout = (MessagesLayout | TextLayout) & { system?: string | undefined };

interface MessagesLayout {
  messages: string;
}

interface TextLayout {
  prompt: string;
  response: string;
  reasoning?: string | undefined;
}

/** What the model is given and what it shall answer. */
export interface Conversation {
  prompt: ChatMessage[];
  response: string;
}

/** Why a row is no conversation; `where` is the mix's own condition. */
export interface Unusable {
  reason:
    | 'where'
    | 'no_prompt'
    | 'no_response'
    | 'no_reasoning'
    | 'no_messages'
    | 'no_assistant_message'
    | 'malformed_message';
}

/** The layouts of datasets that are always laid out alike. Those of others are found by `inspectColumns`. */
export const datasetFormats = {
  metamathqa: [{ prompt: 'query', response: 'response' }],
  orca_math: [{ prompt: 'question', response: 'answer' }],
  evol_code: [{ prompt: 'instruction', response: 'output' }],
  // Its configurations v0 and v1 differ; the reannotated text is the one with the trace.
  r1_distill_sft: [
    { messages: 'reannotated_messages' },
    { messages: 'messages' },
    { prompt: 'problem', response: 'reannotated_assistant_content' },
  ],
} as const satisfies Record<string, readonly Layout[]>;

/** The conversation of a row by the first layout that it fills, or why there is none (by the last one tried). */
export function conversationOf(
  row: Record<string, unknown>,
  layouts: readonly Layout[],
): { conversation: Conversation | Unusable; layout: Layout | undefined } {
  let conversation: Conversation | Unusable = { reason: 'no_prompt' };
  for (const layout of layouts) {
    conversation = 'messages' in layout ? fromMessages(row, layout) : fromTexts(row, layout);
    if ('response' in conversation) return { conversation, layout };
  }
  return { conversation, layout: undefined };
}

/** The last assistant message is the target, what precedes it the prompt; what follows it is left out. */
function fromMessages(
  row: Record<string, unknown>,
  { messages: column, system }: Extract<Layout, MessagesLayout>,
): Conversation | Unusable {
  const value = valueAt(row, column);
  if (!Array.isArray(value) || value.length === 0) return { reason: 'no_messages' };
  const messages = value.map(asMessage).filter((message) => message !== undefined);
  if (messages.length < value.length) return { reason: 'malformed_message' };
  const target = messages.findLastIndex(({ role }) => role === 'assistant');
  if (target === -1) return { reason: 'no_assistant_message' };
  const prompt = messages.slice(0, target);
  if (!prompt.some(({ role, content }) => role === 'user' && isText(content))) return { reason: 'no_prompt' };
  const response = messages[target]!.content;
  if (!isText(response)) return { reason: 'no_response' };
  return { prompt: [...systemMessage(row, system), ...prompt], response };
}

function fromTexts(
  row: Record<string, unknown>,
  { prompt, response, reasoning, system }: Extract<Layout, TextLayout>,
): Conversation | Unusable {
  const content = valueAt(row, prompt);
  const answer = firstText(valueAt(row, response));
  if (!isText(content)) return { reason: 'no_prompt' };
  if (answer === undefined) return { reason: 'no_response' };
  const messages = [...systemMessage(row, system), { role: 'user', content }];
  if (reasoning === undefined) return { prompt: messages, response: answer };
  const trace = valueAt(row, reasoning);
  return isText(trace)
    ? { prompt: messages, response: withTrace(trace, answer) }
    : { reason: 'no_reasoning' };
}

function systemMessage(row: Record<string, unknown>, column: string | undefined): ChatMessage[] {
  const content = column === undefined ? undefined : valueAt(row, column);
  return isText(content) ? [{ role: 'system', content }] : [];
}

/** The response as R1 itself writes it; a trace or answer that brings its tags is not tagged twice. */
function withTrace(trace: string, answer: string): string {
  if (answer.includes('</think>')) return answer;
  return `<think>\n${trace.replaceAll(/<\/?think>/g, '').trim()}\n</think>\n\n${answer}`;
}

/** What ShareGPT and its like call the roles. */
const roleNames: Record<string, string> = { human: 'user', gpt: 'assistant', model: 'assistant' };

/** A message under the keys of OpenAI (role, content) or of ShareGPT (from, value). */
function asMessage(value: unknown): ChatMessage | undefined {
  const message = (value ?? {}) as Record<'role' | 'content' | 'from' | 'value', unknown>;
  const [role, content] = [message.role ?? message.from, message.content ?? message.value];
  if (typeof role !== 'string' || typeof content !== 'string') return undefined;
  return { role: Object.hasOwn(roleNames, role) ? roleNames[role]! : role, content };
}

/** A text, or the first of a list of them, such as several generations for one prompt. */
function firstText(value: unknown): string | undefined {
  return (Array.isArray(value) ? (value as unknown[]) : [value]).find(isText);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
