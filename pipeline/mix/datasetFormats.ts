// From a dataset's row to a conversation: the layouts of the five datasets of the original mix, as data.
// A layout says which columns hold the conversation; of a format's layouts the first that a row fills is taken.
// A row that fills none is not an error but a rejection with a reason: public datasets do hold nulls and blanks.
import { nearest } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import type { ChatMessage } from './chatTemplate.ts';

/** Where a row keeps its conversation. `reasoning` is put before the response between think tags. */
export type Layout = { messages: string } | { prompt: string; response: string; reasoning?: string };

/** What the model is given and what it shall answer. */
export interface Conversation {
  prompt: ChatMessage[];
  response: string;
}

/** Why a row is no conversation. */
export interface Unusable {
  reason:
    | 'no_prompt'
    | 'no_response'
    | 'no_reasoning'
    | 'no_messages'
    | 'no_assistant_message'
    | 'malformed_message';
}

export const datasetFormats = {
  metamathqa: [{ prompt: 'query', response: 'response' }],
  orca_math: [{ prompt: 'question', response: 'answer' }],
  evol_code: [{ prompt: 'instruction', response: 'output' }],
  // Copies with R1's trace in a column of its own, as a chat, or with the trace inside the solution.
  numina_r1: [
    { prompt: 'problem', reasoning: 'reasoning', response: 'solution' },
    { messages: 'messages' },
    { prompt: 'problem', response: 'solution' },
  ],
  // Its configurations v0 and v1 differ; the reannotated text is the one with the trace.
  r1_distill_sft: [
    { messages: 'reannotated_messages' },
    { messages: 'messages' },
    { prompt: 'problem', response: 'reannotated_assistant_content' },
  ],
} as const satisfies Record<string, readonly Layout[]>;

/**
 * The layouts whose columns a file has.
 * @param columns the columns there are.
 * @throws UserError naming the file, the missing column and the columns there are, when no layout fits.
 */
export function fittingLayouts(
  layouts: readonly Layout[],
  { file, columns }: { file: string; columns: readonly string[] },
): Layout[] {
  const missing = (layout: Layout) => columnsOfLayout(layout).filter((column) => !columns.includes(column));
  const fitting = layouts.filter((layout) => missing(layout).length === 0);
  if (fitting.length > 0) return fitting;
  const column = missing(layouts[0]!)[0]!;
  const near = nearest(column, columns);
  throw new UserError({
    file,
    problem: `has no column "${column}"`,
    remedy: `its columns are ${columns.join(', ')}${near ? ` (did you mean "${near}"?)` : ''}`,
  });
}

/** The columns a layout reads. */
export function columnsOfLayout(layout: Layout): string[] {
  return Object.values(layout);
}

/** The conversation of a row by the first layout that it fills, or why there is none (by the last one tried). */
export function conversationOf(
  row: Record<string, unknown>,
  layouts: readonly Layout[],
): Conversation | Unusable {
  let outcome: Conversation | Unusable = { reason: 'no_prompt' };
  for (const layout of layouts) {
    outcome = 'messages' in layout ? fromMessages(row[layout.messages]) : fromColumns(row, layout);
    if ('response' in outcome) break;
  }
  return outcome;
}

/** The last assistant message is the target, what precedes it the prompt; what follows it is left out. */
function fromMessages(value: unknown): Conversation | Unusable {
  if (!Array.isArray(value) || value.length === 0) return { reason: 'no_messages' };
  if (!value.every(isMessage)) return { reason: 'malformed_message' };
  const messages = value.map(({ role, content }) => ({ role, content }));
  const target = messages.findLastIndex(({ role }) => role === 'assistant');
  if (target === -1) return { reason: 'no_assistant_message' };
  const prompt = messages.slice(0, target);
  if (!prompt.some(({ role, content }) => role === 'user' && isText(content))) return { reason: 'no_prompt' };
  const response = messages[target]!.content;
  return isText(response) ? { prompt, response } : { reason: 'no_response' };
}

function fromColumns(
  row: Record<string, unknown>,
  { prompt, response, reasoning }: Exclude<Layout, { messages: string }>,
): Conversation | Unusable {
  const [content, answer] = [row[prompt], row[response]];
  if (!isText(content)) return { reason: 'no_prompt' };
  if (!isText(answer)) return { reason: 'no_response' };
  const messages = [{ role: 'user', content }];
  if (reasoning === undefined) return { prompt: messages, response: answer };
  const trace = row[reasoning];
  return isText(trace)
    ? { prompt: messages, response: withTrace(trace, answer) }
    : { reason: 'no_reasoning' };
}

/** The response as R1 itself writes it; a trace that brings its tags is not tagged twice. */
function withTrace(trace: string, answer: string): string {
  return `<think>\n${trace.replaceAll(/<\/?think>/g, '').trim()}\n</think>\n\n${answer}`;
}

function isMessage(value: unknown): value is ChatMessage {
  const { role, content } = (value ?? {}) as Partial<Record<keyof ChatMessage, unknown>>;
  return typeof role === 'string' && typeof content === 'string';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
