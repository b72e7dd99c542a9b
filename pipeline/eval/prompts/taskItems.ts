// From the rows of a task to what a model is asked: description, shots and question as one text, or as a conversation in
// the model's chat template, as lm_eval 0.4.13 builds them (api/task.py, fewshot_context and construct_requests).
import { UserError } from '../../config/userError.ts';
import type { ChatMessage, RenderChat } from '../../mix/chatTemplate.ts';
import { askedRow, type AskedRow } from './askedRow.ts';
import type { Doc, EvalItem } from './evalItem.ts';
import { fewshotSampler } from './fewshot.ts';
import type { EvalTask } from './loadTask.ts';
import type { TaskDefinition } from './taskFile.ts';

/** How prompts become conversations. */
export interface ChatOptions {
  /** The model's tokenizer. */
  tokenizer: { renderChat: RenderChat };
  /** Each shot as a turn of the user and one of the assistant (default), or all in the one user turn. */
  fewshotAsMultiturn?: boolean;
}

/**
 * The items of a task, in the order of its rows.
 * @param limit only the first rows
 * @param systemPrompt stands before the task's description
 * @param chat without it prompts are plain text
 * @throws UserError when the chat template is missing.
 */
export function taskItems(
  task: EvalTask,
  { limit, systemPrompt = '', chat }: { limit?: number; systemPrompt?: string; chat?: ChatOptions } = {},
): EvalItem[] {
  const { definition, docs, pool, shots } = task;
  const { description, fewshot_delimiter, splits, sampler } = definition;
  const system = delimited(systemPrompt, description, fewshot_delimiter);
  const opening: Turn[] = system === '' ? [] : [{ role: 'system', content: system, after: '' }];
  const excludeAsked = splits.fewshot === splits.test;
  const shotsFor = fewshotSampler(pool, { shots, sampler, excludeAsked });
  return docs.slice(0, limit).map((doc, docId) => {
    const before = [...opening, ...shotsFor(doc).flatMap((shot) => shotTurns(definition, shot))];
    const asked = askedRow(definition, doc);
    const contexts = asked.prompts.map((content) =>
      promptText([...before, { role: 'user', content, after: '' }], chat),
    );
    const delimiter = chat ? '' : definition.target_delimiter; // a chat template has already opened the answer's line
    return { docId, doc, ...requested(definition, { asked, contexts, delimiter }) };
  });
}

/** A message; `after` stands behind it where prompts are plain text. */
interface Turn extends ChatMessage {
  after: string;
}

function shotTurns(definition: TaskDefinition, shot: Doc): Turn[] {
  const { target_delimiter, fewshot_delimiter } = definition;
  const { prompts, answer, gold } = askedRow(definition, shot);
  const content = prompts.length === 1 ? prompts[0]! : prompts[gold!]!;
  if (answer === '') return [{ role: 'user', content, after: '' }];
  return [
    { role: 'user', content, after: target_delimiter },
    { role: 'assistant', content: answer, after: fewshot_delimiter },
  ];
}

function requested(
  definition: TaskDefinition,
  { asked, contexts, delimiter }: { asked: AskedRow; contexts: string[]; delimiter: string },
): Pick<EvalItem, 'target' | 'gold' | 'choices' | 'requests'> {
  const { choices, target, gold } = asked;
  if (definition.kind === 'generate_until') {
    const { until, max_gen_toks: maxNewTokens } = definition;
    const request = { kind: definition.kind, context: contexts[0]!, until, maxNewTokens };
    return { target, requests: [request] };
  }
  const requests = choices.map((choice, i) => ({
    kind: 'loglikelihood' as const,
    context: contexts[i] ?? contexts[0]!,
    continuation: delimiter + choice,
  }));
  return { target, gold: gold!, choices, requests };
}

function promptText(turns: readonly Turn[], chat: ChatOptions | undefined): string {
  const plain = (some: readonly Turn[]) => some.map(({ content, after }) => content + after).join('');
  if (!chat) return plain(turns);
  const system = turns.filter(({ role }) => role === 'system');
  const others = turns.slice(system.length);
  const messages = chat.fewshotAsMultiturn === false ? [{ role: 'user', content: plain(others) }] : others;
  return renderedChat([...system, ...messages], chat.tokenizer.renderChat);
}

/** Templates that refuse a system message (Gemma's does) get the conversation without it. */
function renderedChat(messages: readonly ChatMessage[], renderChat: RenderChat): string {
  const render = (some: readonly ChatMessage[]) =>
    renderChat(
      some.map(({ role, content }) => ({ role, content })),
      { addGenerationPrompt: true },
    );
  try {
    return render(messages);
  } catch (error) {
    if (error instanceof UserError) throw error;
    return render(messages.filter(({ role }) => role !== 'system'));
  }
}

/** Both texts with the delimiter between them, unless one is empty or ends or begins with white space there. */
function delimited(first: string, second: string, delimiter: string): string {
  const isJoined = first === '' || second === '' || /\s$/.test(first) || /^\s/.test(second);
  return isJoined ? first + second : first + delimiter + second;
}
