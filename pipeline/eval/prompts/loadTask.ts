// A task with its rows: definition, the rows that are asked, and those its shots are drawn from, all of them checked to
// hold what the prompts read.
import { messageOf, UserError } from '../../config/userError.ts';
import { isHubError } from '../../hub/hubErrors.ts';
import { askedRow } from './askedRow.ts';
import { docProcessors } from './docFunctions.ts';
import type { Doc } from './evalItem.ts';
import { pythonRandom, type PythonRandom } from './pythonRandom.ts';
import { expandTasks, taskNamed } from './taskCatalog.ts';
import { locateSplits, readSplits, type DataOptions, type SplitRows } from './taskData.ts';
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
  for (const name of (await expandTasks(names, source(options))).tasks)
    loaded.push(await loadTask(name, options, random));
  return loaded;
}

/**
 * Has all that `loadTasks` reads on this machine, so that it needs no network; reads nothing of it.
 * @throws UserError for an unknown task, or one whose data cannot be had, with the place to leave it out.
 */
export async function fetchTasks(names: readonly string[], options: LoadOptions = {}): Promise<void> {
  for (const written of names)
    for (const name of (await expandTasks([written], source(options))).tasks) {
      const definition = await taskNamed(name);
      const { wanted } = splitsOf(definition, options);
      await locateSplits({ name, definition }, { wanted, ...options }).catch((error: unknown) => {
        if (!isHubError(error, 'refused')) throw error;
        const { file = 'eval.yaml' } = options.statedIn ?? {};
        throw new UserError(`${error.message}, or take ${written} out of ${file}`, { cause: error });
      });
    }
}

/** The file that the names stand in, where it is not eval.yaml. */
function source({ statedIn }: LoadOptions): { source?: string } {
  return statedIn === undefined ? {} : { source: statedIn.file };
}

/** One task, as `loadTasks` loads it. @param random the run's generator */
export async function loadTask(
  name: string,
  options: LoadOptions = {},
  random: PythonRandom = pythonRandom(RUN_SEED),
): Promise<EvalTask> {
  const definition = await taskNamed(name);
  const { shots, asked, shown, drawsFromSplit, wanted } = splitsOf(definition, options);
  const rows = await readSplits({ name, definition }, { wanted, ...options });
  const prepared = new Map(
    Object.entries(rows).map(([split, each]) => [split, prepare(definition, each, random)]),
  );
  const pool = drawsFromSplit ? prepared.get(shown)! : shots > 0 ? definition.samples! : [];
  const sources = Object.entries(rows).map(([split, { files }]) => [split, files] as const);
  const task = {
    name,
    definition,
    shots,
    docs: prepared.get(asked)!,
    pool,
    sources: Object.fromEntries(sources),
  };
  checkPool(task, rows[shown]?.where ?? name);
  return task;
}

/** The split that is asked, the one that shots are drawn from, and those of them that are read. */
function splitsOf({ splits, samples, num_fewshot }: TaskDefinition, { numFewshot }: LoadOptions) {
  const shots = num_fewshot === 0 ? 0 : (numFewshot ?? num_fewshot ?? 0);
  const asked = splits.test ?? splits.validation!;
  const shown = splits.fewshot ?? splits.train ?? splits.validation ?? asked;
  const drawsFromSplit = shots > 0 && samples === undefined;
  return { shots, asked, shown, drawsFromSplit, wanted: drawsFromSplit ? [shown, asked] : [asked] };
}

/** The rows as the task has them; each is asked once, so that a fault in the data is told before a model is loaded. */
function prepare(definition: TaskDefinition, { rows, where }: SplitRows, random: PythonRandom): Doc[] {
  const { process_docs } = definition;
  return rows.map((row, i) => {
    try {
      const doc = process_docs === undefined ? row : { ...row, ...docProcessors[process_docs](row, random) };
      askedRow(definition, doc);
      return doc;
    } catch (cause) {
      const remedy = `the row has ${Object.keys(row).join(', ')}`;
      throw new UserError({ file: where, problem: `row ${i}: ${messageOf(cause)}`, remedy }, { cause });
    }
  });
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
