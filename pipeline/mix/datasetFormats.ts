// From a dataset's row to a conversation: the layouts of the five datasets of the original mix, as data.
// A layout says which columns hold the conversation; of a format's layouts the first that a row fills is taken.
// A row that fills none is not an error but a rejection with a reason: public datasets do hold nulls and blanks.
import type { ChatMessage } from './chatTemplate.ts';
import { valueAt } from './columnPath.ts';
import { asMessages, isText } from './rowMessages.ts';
import { asksForMarkers, bringsTrace, inThinkTags, withTrace } from './thinkTags.ts';

/**
 * Where a row keeps its conversation, as paths of columns. `prompt` is a text or messages yet to be answered;
 * `reasoning` is put before the response between think tags; `system` is a column with the system message.
 */
export type Layout = (MessagesLayout | TextLayout) & { system?: string | undefined };

interface MessagesLayout {
  messages: string;
}

interface TextLayout {
  prompt: string;
  response: string;
  context?: string | undefined;
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
  const messages = asMessages(value);
  if (!messages) return { reason: 'malformed_message' };
  const target = messages.findLastIndex(({ role }) => role === 'assistant');
  if (target === -1) return { reason: 'no_assistant_message' };
  const prompt = messages.slice(0, target);
  if (!asks(prompt)) return { reason: 'no_prompt' };
  const response = messages[target]!.content;
  if (!isText(response)) return { reason: 'no_response' };
  return { prompt: withSystem(prompt, valueOf(row, system)), response };
}

function fromTexts(
  row: Record<string, unknown>,
  { prompt, response, context, reasoning, system }: Extract<Layout, TextLayout>,
): Conversation | Unusable {
  const asked = promptMessages(valueAt(row, prompt), valueOf(row, context));
  if (!asked || !asks(asked)) return { reason: 'no_prompt' };
  const { answer, trace } = answerWithTrace(valueAt(row, response), valueOf(row, reasoning));
  const given = { prompt: withSystem(asked, valueOf(row, system)) };
  if (answer !== undefined && (reasoning === undefined || bringsTrace(answer)))
    return { ...given, response: answer };
  const whole = trace === undefined ? undefined : withTrace(trace, answer);
  if (whole !== undefined) return { ...given, response: whole };
  return { reason: answer === undefined ? 'no_response' : 'no_reasoning' };
}

/** A text as the user's message, what it is about behind it; a list of messages that the assistant has still to answer. */
function promptMessages(value: unknown, context: unknown): ChatMessage[] | undefined {
  if (Array.isArray(value)) {
    const messages = asMessages(value);
    return messages?.at(-1)?.role === 'assistant' ? undefined : messages;
  }
  if (!isText(value)) return undefined;
  return [{ role: 'user', content: isText(context) ? `${value}\n\n${context}` : value }];
}

function asks(prompt: readonly ChatMessage[]): boolean {
  return prompt.some(({ role, content }) => role === 'user' && isText(content));
}

/** The prompt with a column's system message where it has none, and without one that asks for other tags. */
function withSystem(prompt: ChatMessage[], system: unknown): ChatMessage[] {
  const bringsSystem = prompt.some(({ role }) => role === 'system');
  const added = isText(system) && !bringsSystem ? [{ role: 'system', content: system }] : [];
  return [...added, ...prompt].filter(({ role, content }) => role !== 'system' || !asksForMarkers(content));
}

/**
 * The first text that a row has as its answer; of several generations with as many traces the first that has both, so
 * that none gets the trace of another.
 */
function answerWithTrace(
  response: unknown,
  reasoning: unknown,
): { answer: string | undefined; trace: string | undefined } {
  const [answers, traces] = [asList(response), asList(reasoning)];
  const both =
    answers.length === traces.length ? answers.findIndex((a, i) => isText(a) && isText(traces[i])) : -1;
  const text = (values: unknown[]) => (both === -1 ? values.find(isText) : (values[both] as string));
  const answer = text(answers);
  return { answer: answer === undefined ? undefined : inThinkTags(answer), trace: text(traces) };
}

/** The texts of a value; of the messages of an answer what they say. */
function asList(value: unknown): unknown[] {
  if (!Array.isArray(value)) return [value];
  return asMessages(value)?.map(({ content }) => content) ?? value;
}

function valueOf(row: Record<string, unknown>, column: string | undefined): unknown {
  return column === undefined ? undefined : valueAt(row, column);
}
