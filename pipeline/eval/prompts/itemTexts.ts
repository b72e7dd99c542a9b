// The words by which an item of a benchmark is recognized in a training text (scores/contamination.ts): those of its row,
// without the prompt's words around them, which all items of the task share. A training text may ask a question and answer
// it, or list its choices, or list them under letters, so each of these is a text of the item's own.
import { wordCount, type ItemText } from '../scores/contamination.ts';
import { askedRow } from './askedRow.ts';
import type { Doc } from './evalItem.ts';
import type { EvalTask } from './loadTask.ts';
import type { TaskDefinition } from './taskFile.ts';

/** Words of a question that is recognized without an answer: GPT-3's least N, below which it saw spurious matches. */
const LEAST_WORDS = 8;

/** The texts of a task's items, by the index of their row. @param limit only the first rows */
export function itemTexts(
  { definition, docs }: Pick<EvalTask, 'definition' | 'docs'>,
  { limit }: { limit?: number | undefined } = {},
): ItemText[] {
  return docs.slice(0, limit).map((doc, id) => ({ id, texts: ownTexts(definition, doc) }));
}

/** What of a question is its row's own: its fields without the prompt's words around them, and choices that are no letters. */
function ownTexts(definition: TaskDefinition, doc: Doc): string[] {
  if (definition.kind === 'multiple_contexts') {
    const { prompts, answer } = askedRow(definition, doc);
    return [commonWords(prompts), ...prompts].map((beginning) => `${beginning} ${answer}`);
  }
  const asked = (prompt: string) => askedRow({ ...definition, prompt }, doc);
  const fields = definition.prompt.match(/\{\{.*?\}\}/g) ?? [];
  const [question, ...wholes] = [fields[0] ?? '', fields.join(' '), fromFirstToLast(definition.prompt)].map(
    (prompt) => asked(prompt).prompts[0]!,
  );
  const alone = wordCount(question!) < LEAST_WORDS ? [] : [question!];
  if (definition.kind === 'multiple_choice' && Array.isArray(definition.choices))
    return [...alone, ...wholes];
  const { choices, answer } = asked(definition.prompt);
  const listed = choices.length > 0 ? [[wholes[0], ...choices].join(' ')] : [];
  return [...alone, `${wholes[0]} ${answer}`, ...listed];
}

/** A prompt without what stands before its first field and after its last: letters between choices stay. */
function fromFirstToLast(prompt: string): string {
  return prompt.slice(prompt.indexOf('{{'), prompt.lastIndexOf('}}') + 2);
}

/** What texts that differ in a word begin with in common, in whole words: a sentence with its blank left out. */
function commonWords(texts: readonly string[]): string {
  const words = texts.map((text) => text.split(' '));
  const end = words[0]!.findIndex((word, i) => words.some((others) => others[i] !== word));
  return words[0]!.slice(0, end === -1 ? undefined : end).join(' ');
}
