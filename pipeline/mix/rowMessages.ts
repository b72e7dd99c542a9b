// Messages as rows hold them, under the keys of OpenAI (role, content) or of ShareGPT (from, value), with whatever name
// for the two sides, as the chat messages that templates render.
import type { ChatMessage } from './chatTemplate.ts';
import { inThinkTags, withTrace } from './thinkTags.ts';

/** What datasets call the roles, in lower case; other roles are left to the template. */
const roleNames: Record<string, string> = {
  ...{ system: 'system', user: 'user', human: 'user' },
  ...{ assistant: 'assistant', gpt: 'assistant', chatgpt: 'assistant', bot: 'assistant', model: 'assistant' },
};

/** The messages of a row, or undefined when one of them is none. */
export function asMessages(values: readonly unknown[]): ChatMessage[] | undefined {
  const messages = values.map(asMessage).filter((message) => message !== undefined);
  return messages.length === values.length ? messages : undefined;
}

function asMessage(value: unknown): ChatMessage | undefined {
  const message = (value ?? {}) as Record<string, unknown>;
  const name = message.role ?? message.from;
  const content = asContent(message.content ?? message.value);
  if (typeof name !== 'string' || content === undefined) return undefined;
  const known = name.toLowerCase();
  const role = Object.hasOwn(roleNames, known) ? roleNames[known]! : name;
  return { role, content: role === 'assistant' ? spoken(message, content) : content };
}

/** What the assistant says, its trace included where the message keeps it apart. */
function spoken(message: Record<string, unknown>, content: string): string {
  const answer = inThinkTags(content);
  const trace = [message.reasoning_content, message.thinking, message.reasoning].find(isText);
  return trace === undefined ? answer : withTrace(trace, answer)!;
}

/** A text, or a list of parts {type: text, text}, which templates set one after the other; other parts are no text. */
function asContent(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const texts = (value as (Record<string, unknown> | null)[]).map((part) =>
    part?.type === 'text' ? part.text : undefined,
  );
  return texts.every((text) => typeof text === 'string') ? texts.join('') : undefined;
}

/** Whether a value is a text that is not blank. */
export function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
