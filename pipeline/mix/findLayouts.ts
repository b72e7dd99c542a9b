// Which columns of a file hold its conversations: as declared, or found by the names that public datasets use.
// A dataset of reasoning often has a person's solution beside what R1 wrote, so what a model generated comes first, and
// no layout leaves a trace out that has a column, or puts it before another's answer: a student of reasoning would
// learn to do without. Other layouts that fit are kept too, as a row may leave the first one empty.
import { nearest } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { columnOfPath } from './columnPath.ts';
import { datasetFormats, type Layout } from './datasetFormats.ts';

const words = (text: string) => text.trim().split(/\s+/);

/**
 * Names in lower case, the preferred one first: R1's own before those that any model or person may have written. Of
 * reasoning and generation the models come in the same order, so that a trace goes with its own answer.
 */
const knownNames = {
  prompt: words('problem question prompt instruction instruction_seed query input'),
  response: words('response output solution completion answer'),
  reference: words(`
    ground_truth_solution gold_solution reference_solution original_solution ground_truth_answer gold_answer
    reference_answer expected_answer ground_truth`),
  reasoning: words(`
    deepseek_reasoning deepseek_r1_reasoning deepseek_reasoning_content deepseek_thinking_trajectory deepseek_thinking
    r1_reasoning r1_thinking gemini_thinking_trajectory thinking_trajectories thinking_trajectory model_reasoning
    reasoning reasoning_content reasoning_trace reasoning_traces thinking thinking_content thinking_trace think thought
    thoughts trace final_reasoning_trace chain_of_thought complex_cot cot`),
  generation: words(`
    deepseek_solution deepseek_r1_solution deepseek_response deepseek_r1_response deepseek_answer deepseek_output
    deepseek_generation deepseek_attempt r1_generation r1_solution r1_response r1_answer r1_output
    reannotated_assistant_content gemini_attempt attempt final_attempt generation generations generated_solution
    generated_response model_response model_output`),
  messages: words('reannotated_messages messages conversations conversation chat'),
  context: words('input context'),
  system: words('system system_prompt system_message'),
};

/** The columns that are named as if they held part of a conversation. */
export function knownColumns(columns: readonly string[]): string[] {
  const names = new Set(Object.values(knownNames).flat());
  return columns.filter((column) => names.has(column.toLowerCase()));
}

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
  const [response, reasoning] = [found('response'), found('reasoning')];
  const [generation, messages, system] = [found('generation'), found('messages'), found('system')];
  const question = instructionWithContext(lowerCase, found('context')) ?? {
    prompt: found('prompt') ?? messages, // messages may end with the user's, the answer being a column
  };
  const answered = (response: string | undefined) => ({ ...question, reasoning, response, system });
  const layouts = has(reasoning)
    ? [answered(generation ?? response), { messages, system }]
    : [answered(generation), { messages, system }, answered(response ?? found('reference'))];
  return layouts.map(withoutAbsent).filter((layout) => layout !== undefined);
}

/** Alpaca and Dolly: what an instruction is about stands in a column of its own, which may be empty. */
function instructionWithContext(
  lowerCase: ReadonlyMap<string, string>,
  context: string | undefined,
): { prompt: string; context: string } | undefined {
  const prompt = lowerCase.get('instruction');
  return has(prompt) && has(context) ? { prompt, context } : undefined;
}

/** A layout without the columns that are not there, or undefined when it needs one of them. */
function withoutAbsent(columns: Record<string, string | undefined>): Layout | undefined {
  const { messages, prompt, response } = columns;
  if (!has(messages) && !(has(prompt) && has(response))) return undefined;
  return Object.fromEntries(Object.entries(columns).filter(([, column]) => has(column))) as unknown as Layout;
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
