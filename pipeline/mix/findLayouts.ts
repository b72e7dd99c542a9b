// Which columns of a file hold its conversations: as declared, or found by the names that public datasets use.
// A dataset of reasoning often has a plain solution beside the trace, so what a model generated comes before what a
// person wrote. All layouts that fit are kept, as a row may leave the first one empty.
import { nearest } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { columnOfPath } from './columnPath.ts';
import { datasetFormats, type Layout } from './datasetFormats.ts';

/** Names in lower case, the preferred one first. */
const knownNames = {
  prompt: ['problem', 'question', 'prompt', 'instruction', 'query', 'input'],
  response: ['response', 'solution', 'output', 'completion', 'answer'],
  reasoning: [
    'reasoning',
    'reasoning_content',
    'thinking',
    'think',
    'thought',
    'trace',
    'reasoning_trace',
    'cot',
  ],
  generation: [
    ...['generation', 'generations', 'r1_generation', 'r1_solution', 'r1_response', 'r1_output'],
    ...['deepseek_r1_solution', 'deepseek_solution', 'deepseek_response', 'reannotated_assistant_content'],
  ],
  messages: ['reannotated_messages', 'messages', 'conversations', 'conversation', 'chat'],
};

/** What a source says of its rows (mix.yaml). */
export interface Declared {
  format?: 'auto' | 'columns' | 'numina_r1' | keyof typeof datasetFormats | undefined;
  columns?: Layout | undefined;
}

/**
 * The layouts of a file, the preferred one first.
 * @param at `source` and `file` name them in complaints; `columns` are those the file has.
 * @throws UserError naming the columns there are, when no layout fits.
 */
export function findLayouts(
  { format, columns: declared }: Declared,
  at: { source: string; file: string; columns: readonly string[] },
): Layout[] {
  if (declared) return fittingLayouts([declared], at);
  if (format !== undefined && format in datasetFormats)
    return fittingLayouts(datasetFormats[format as keyof typeof datasetFormats], at);
  const found = inspectColumns(at.columns);
  if (found.length > 0) return found;
  throw new UserError({
    file: at.file,
    problem: `none of its columns ${at.columns.join(', ')} is known as a prompt with a response, or as messages`,
    remedy: `name them in mix.yaml under sources.${at.source} (instead of format): columns: { prompt: COLUMN, response: COLUMN } or columns: { messages: COLUMN }`,
  });
}

/** The layouts that columns are known to hold by their names. */
export function inspectColumns(columns: readonly string[]): Layout[] {
  const lowerCase = new Map(columns.map((column) => [column.toLowerCase(), column]));
  const found = (role: keyof typeof knownNames) =>
    knownNames[role].map((name) => lowerCase.get(name)).find((column) => column !== undefined);
  const [prompt, response, reasoning] = [found('prompt'), found('response'), found('reasoning')];
  const [generation, messages] = [found('generation'), found('messages')];
  const layouts: (Layout | false)[] = [
    has(prompt) && has(response) && has(reasoning) && { prompt, reasoning, response },
    has(prompt) && has(generation) && { prompt, response: generation },
    has(messages) && { messages },
    has(prompt) && has(response) && { prompt, response },
  ];
  return layouts.filter((layout) => layout !== false);
}

function has(column: string | undefined): column is string {
  return column !== undefined;
}

/** Of the layouts those whose columns the file has. */
function fittingLayouts(
  layouts: readonly Layout[],
  { file, columns }: { file: string; columns: readonly string[] },
): Layout[] {
  const missing = (layout: Layout) =>
    columnsOfLayout(layout, columns).filter((column) => !columns.includes(column));
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

/** The columns that a layout reads, of those there are. */
export function columnsOfLayout(layout: Layout, columns: readonly string[]): string[] {
  return pathsOf(layout).map((path) => columnOfPath(path, columns));
}

/** A layout in words, such as `problem, solution`. */
export function describeLayout(layout: Layout): string {
  return pathsOf(layout).join(', ');
}

function pathsOf(layout: Layout): string[] {
  return Object.values(layout).filter(has);
}
