// The fields of a row, and texts with fields filled in. The syntax is the part of Jinja2 that the tasks need, rendered as
// lm-evaluation-harness's environment does (StrictUndefined, keep_trailing_newline); @huggingface/jinja drops a final
// newline, renders what is undefined as nothing, and strips other white space than Python.
import type { Doc } from './evalItem.ts';
import { strip } from './pythonText.ts';

const EXPRESSION = /\{\{\s*([^{}|]+?)\s*(?:\|\s*(\w+)\s*)?\}\}/g;

const FILTERS: Record<string, (text: string) => string> = {
  trim: strip,
  words: (text) => text.replaceAll('_', ' '),
};

/**
 * The text with each `{{field}}`, `{{field.part.0}}` or `{{field | trim}}` (also `words`: "_" becomes a blank) filled in.
 * @throws Error naming a field that is not there or is neither text nor number.
 */
export function renderTemplate(template: string, doc: Doc): string {
  return template.replaceAll(EXPRESSION, (_, path: string, filter: string | undefined) => {
    const text = asText(fieldOf(doc, path), path);
    return filter === undefined ? text : FILTERS[filter]!(text);
  });
}

/**
 * What lies under a path such as `choices.label` or `choices.0`.
 * @throws Error when there is nothing.
 */
export function fieldOf(doc: Doc, path: string): unknown {
  let value: unknown = doc;
  for (const key of path.split('.')) value = (value as Doc | null | undefined)?.[key];
  if (value === undefined) throw new Error(`no field ${path}`);
  return value;
}

/** The text under a path. @throws Error when it is missing or something else. */
export function textOf(doc: Doc, path: string): string {
  const value = fieldOf(doc, path);
  if (typeof value === 'string') return value;
  throw new Error(`${path} is no text`);
}

/** The list of texts under a path. @throws Error when it is missing or something else. */
export function textsOf(doc: Doc, path: string): string[] {
  const value = fieldOf(doc, path);
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw new Error(`${path} is no list of texts`);
}

function asText(value: unknown, path: string): string {
  if (value === null) return 'None';
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new Error(`${path} is neither text nor number`);
}
