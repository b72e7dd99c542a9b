// A task with its rows: definition, the rows that are asked, and those its shots are drawn from, checked for every field
// that the prompts read.
import { UserError } from '../config/userError.ts';
import { docDerivations, docProcessors } from './docFunctions.ts';
import { fieldsRead } from './docTemplate.ts';
import type { Doc } from './evalItem.ts';
import { pythonRandom, type PythonRandom } from './pythonRandom.ts';
import { expandTasks, taskCatalog } from './taskCatalog.ts';
import { readSplits, type DataOptions, type SplitRows } from './taskData.ts';
import type { TaskDefinition } from './taskFile.ts';

/** A task that can be asked. */
export interface EvalTask {
  name: string;
  definition: TaskDefinition;
  /** Examples before each question. */
  shots: number;
  docs: Doc[];
  /** Where shots are drawn from; empty when there are none. */
  pool: Doc[];
  /** Where the rows came from: for each split read, its files (or `DATASET@COMMIT FILE`). */
  sources: Record<string, string[]>;
}

/** @see loadTasks */
export interface LoadOptions extends DataOptions {
  /** Examples before each question, for tasks whose own number is not 0; default: each task's own. */
  numFewshot?: number;
}

/** The seed of Python's global generator in the harness. */
const RUN_SEED = 0;

/**
 * Loads tasks in their order, which GPQA's shuffled choices depend on, as in the harness: one generator for the run.
 * @param names tasks or groups
 * @throws UserError for an unknown task, a split or field that is missing, or too few rows to draw shots from.
 */
export async function loadTasks(names: readonly string[], options: LoadOptions = {}): Promise<EvalTask[]> {
  const random = pythonRandom(RUN_SEED);
  const loaded: EvalTask[] = [];
  for (const name of (await expandTasks(names)).tasks) loaded.push(await loadTask(name, options, random));
  return loaded;
}

/** One task, as `loadTasks` loads it. @param random the run's generator */
export async function loadTask(
  name: string,
  options: LoadOptions = {},
  random: PythonRandom = pythonRandom(RUN_SEED),
): Promise<EvalTask> {
  await expandTasks([name]);
  const definition = (await taskCatalog()).tasks.get(name)!;
  const { splits, samples, num_fewshot } = definition;
  const shots = num_fewshot === 0 ? 0 : (options.numFewshot ?? num_fewshot ?? 0);
  const asked = splits.test ?? splits.validation!;
  const shown = splits.fewshot ?? splits.train ?? splits.validation ?? asked;
  const drawsFromSplit = shots > 0 && samples === undefined;
  const rows = await readSplits(
    { name, definition },
    { wanted: drawsFromSplit ? [shown, asked] : [asked], ...options },
  );
  for (const split of Object.values(rows)) checkFields({ name, definition }, split);
  const prepared = (split: string) => processed(definition, rows[split]!.rows, random);
  const pool = drawsFromSplit ? (shown === asked ? undefined : prepared(shown)) : (samples ?? []);
  const docs = prepared(asked);
  const task = { name, definition, shots, docs, pool: pool ?? docs, sources: sourcesOf(rows) };
  checkPool(task, rows[shown]?.where ?? name);
  return task;
}

function processed({ process_docs }: TaskDefinition, rows: Doc[], random: PythonRandom): Doc[] {
  if (process_docs === undefined) return rows;
  const { apply } = docProcessors[process_docs];
  return rows.map((row) => ({ ...row, ...apply(row, random) }));
}

function sourcesOf(rows: Record<string, SplitRows>): EvalTask['sources'] {
  return Object.fromEntries(Object.entries(rows).map(([split, { files }]) => [split, files]));
}

function checkFields(
  { name, definition }: { name: string; definition: TaskDefinition },
  { rows, where }: SplitRows,
): void {
  const fields = fieldsOfRows(definition);
  rows.forEach((row, i) => {
    const missing = fields.find((field) => row[field] === undefined);
    if (missing !== undefined)
      throw new UserError({
        file: where,
        field: missing,
        problem: `missing in row ${i}, which ${name} reads`,
        remedy: `the row has ${Object.keys(row).join(', ')}`,
      });
  });
}

/** The fields that a task reads of the rows as they come, those of its functions included. */
function fieldsOfRows(definition: TaskDefinition): string[] {
  const { process_docs, derive } = definition;
  const functions = [
    ...(process_docs === undefined ? [] : [docProcessors[process_docs]]),
    ...(derive === undefined ? [] : [docDerivations[derive]]),
  ];
  const given: string[] = functions.flatMap(({ gives }) => [...gives]);
  const shown = templatesAndPaths(definition).filter((field) => !given.includes(field));
  return [...new Set([...functions.flatMap(({ reads }) => [...reads]), ...shown])];
}

function templatesAndPaths(definition: TaskDefinition): string[] {
  const head = (path: string) => path.split('.')[0]!;
  if (definition.kind === 'generate_until')
    return [...fieldsRead(definition.prompt), ...fieldsRead(definition.target)];
  const { answer } = definition;
  const key =
    typeof answer === 'number' ? [] : 'field' in answer ? [answer.field] : [answer.index_of, answer.in];
  if (definition.kind === 'multiple_contexts')
    return [...fieldsRead(definition.continuation), head(definition.contexts.field), ...key.map(head)];
  const { choices } = definition;
  const list = Array.isArray(choices) ? [] : [choices.field];
  return [...fieldsRead(definition.prompt), ...[...list, ...key].map(head)];
}

function checkPool({ name, definition, shots, pool }: EvalTask, file: string): void {
  const { sampler, splits } = definition;
  const drawn = sampler === 'default' && splits.fewshot === splits.test ? shots + 1 : shots;
  if (shots > 0 && pool.length < drawn)
    throw new UserError({
      file,
      problem: `has ${pool.length} rows, ${name} with ${shots} shots draws ${drawn} of them`,
      remedy: 'give it more rows, or set num_fewshot lower',
    });
}
