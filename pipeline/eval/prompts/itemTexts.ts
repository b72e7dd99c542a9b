// The words by which an item of a benchmark is recognized in a training text (scores/contamination.ts): those of its row,
// without the prompt's words around them, which all items of the task share.
import type { ItemText } from '../scores/contamination.ts';
import { askedRow } from './askedRow.ts';
import type { Doc } from './evalItem.ts';
import type { EvalTask } from './loadTask.ts';
import type { TaskDefinition } from './taskFile.ts';

/** The texts of a task's items, by the index of their row. @param limit only the first rows */
export function itemTexts(
  { definition, docs }: Pick<EvalTask, 'definition' | 'docs'>,
  { limit }: { limit?: number | undefined } = {},
): ItemText[] {
  return docs.slice(0, limit).map((doc, id) => ({ id, text: ownText(definition, doc) }));
}

/** What of a question is its row's own: its fields without the prompt's words around them, and choices that are no letters. */
function ownText(definition: TaskDefinition, doc: Doc): string {
  if (definition.kind === 'multiple_contexts') {
    const { prompts, answer } = askedRow(definition, doc);
    return `${prompts[0]} ${answer}`;
  }
  const prompt = (definition.prompt.match(/\{\{.*?\}\}/g) ?? []).join(' ');
  const { prompts, choices, answer } = askedRow({ ...definition, prompt }, doc);
  const isFixed = definition.kind === 'multiple_choice' && Array.isArray(definition.choices);
  const answers = isFixed ? [] : choices.length > 0 ? choices : [answer];
  return [prompts[0], ...answers].join(' ');
}
