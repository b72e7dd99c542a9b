// What one row of a task asks, before shots and delimiters: its prompt or prompts, its choices, and the right answer.
import { docDerivations } from './docFunctions.ts';
import { fieldOf, renderTemplate, textsOf } from './docFields.ts';
import type { Doc } from './evalItem.ts';
import type { TaskDefinition } from './taskFile.ts';

/** A row as a question. */
export interface AskedRow {
  /** One prompt, or one for each choice. */
  prompts: string[];
  /** What may follow; where each choice has a prompt of its own, the same for all. None when the model is to write. */
  choices: string[];
  /** The right answer as lm-eval logs it: a text, or the index of a choice. */
  target: string;
  /** The right answer as it stands in a shot. */
  answer: string;
  /** Index of the right choice, -1 when it is none of them; not where the model is to write. */
  gold?: number;
}

/** @throws Error naming the field that is missing or of another form. */
export function askedRow(definition: TaskDefinition, row: Doc): AskedRow {
  const { derive } = definition;
  const doc = derive === undefined ? row : { ...row, ...docDerivations[derive](row) };
  if (definition.kind === 'generate_until') {
    const target = renderTemplate(definition.target, doc);
    return { prompts: [renderTemplate(definition.prompt, doc)], choices: [], target, answer: target };
  }
  if (definition.kind === 'multiple_contexts') {
    const target = renderTemplate(definition.continuation, doc);
    const prompts = textsOf(doc, definition.contexts.field);
    const gold = Number(answerOf(definition.answer, doc));
    return { prompts, choices: prompts.map(() => target), target, answer: target, gold };
  }
  const { choices: given } = definition;
  const choices = Array.isArray(given) ? given : textsOf(doc, given.field);
  const target = String(answerOf(definition.answer, doc));
  const index = /^\d+$/.test(target) ? Number(target) : choices.indexOf(target);
  const gold = index < choices.length ? index : -1;
  return {
    prompts: [renderTemplate(definition.prompt, doc)],
    choices,
    target,
    answer: choices[index] ?? target,
    gold,
  };
}

type AnswerKey = Exclude<TaskDefinition, { kind: 'generate_until' }>['answer'];

function answerOf(key: AnswerKey, doc: Doc): unknown {
  if (typeof key === 'number') return key;
  if ('field' in key) return fieldOf(doc, key.field);
  return textsOf(doc, key.in).indexOf(String(fieldOf(doc, key.index_of)));
}
