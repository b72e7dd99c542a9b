// The tasks and groups there are: every file of tasks/, read once. A task's keys are its file's with its own on top.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { nearest, validate } from '../../config/loadConfig.ts';
import { UserError } from '../../config/userError.ts';
import { renderTemplate } from './docFields.ts';
import { taskDefinition, taskFile, type GroupDefinition, type TaskDefinition } from './taskFile.ts';

const FOLDER = join(import.meta.dirname, '../tasks');

/** Tasks and groups by name. */
export interface TaskCatalog {
  tasks: ReadonlyMap<string, TaskDefinition>;
  groups: ReadonlyMap<string, GroupDefinition>;
}

/** A group that was asked for or lies within one that was. */
export interface EvalGroup extends GroupDefinition {
  name: string;
  /** The tasks under it, at any depth. */
  leaves: string[];
}

let catalog: Promise<TaskCatalog> | undefined;

/** All tasks and groups. */
export function taskCatalog(): Promise<TaskCatalog> {
  return (catalog ??= readCatalog());
}

/** One task. @throws UserError when there is none of that name. */
export async function taskNamed(name: string): Promise<TaskDefinition> {
  const { tasks } = await taskCatalog();
  return tasks.get(name) ?? unknownTask(name, [...tasks.keys()], 'eval.yaml');
}

/**
 * The tasks behind names of tasks and groups, each once, in the order asked for, with the groups met on the way.
 * @param source what the names stand in, for the complaint
 * @throws UserError for an unknown name, with those nearest to it.
 */
export async function expandTasks(
  names: readonly string[],
  { source = 'eval.yaml' }: { source?: string } = {},
): Promise<{ tasks: string[]; groups: EvalGroup[] }> {
  const { tasks, groups } = await taskCatalog();
  const met = new Map<string, EvalGroup>();
  const leavesOf = (name: string): string[] => {
    const group = groups.get(name);
    if (!group) {
      if (!tasks.has(name)) unknownTask(name, [...tasks.keys(), ...groups.keys()], source);
      return [name];
    }
    met.delete(name); // one met again moves behind the group that it is met in
    met.set(name, { name, ...group, leaves: [] });
    const leaves = group.tasks.flatMap(leavesOf);
    met.set(name, { name, ...group, leaves });
    return leaves;
  };
  return { tasks: [...new Set(names.flatMap(leavesOf))], groups: [...met.values()] };
}

function unknownTask(value: string, known: string[], source: string): never {
  const near = nearest(value, known);
  const kin = known.filter((name) => name.includes(value) && name !== near).slice(0, 3);
  const candidates = [...(near === undefined ? [] : [near]), ...kin];
  throw new UserError({
    file: source,
    field: 'tasks',
    value,
    problem: 'unknown task',
    remedy:
      candidates.length > 0
        ? `did you mean ${candidates.map((name) => `"${name}"`).join(' or ')}?`
        : `there are ${known.filter((name) => !/^(mmlu|leaderboard_\w+)_/.test(name)).join(', ')}`,
  });
}

async function readCatalog(): Promise<TaskCatalog> {
  const tasks = new Map<string, TaskDefinition>();
  const groups = new Map<string, GroupDefinition>();
  for (const name of (await readdir(FOLDER)).sort()) {
    const file = join(FOLDER, name);
    const content = validate(taskFile, parse(await readFile(file, 'utf8')), () => file);
    const { tasks: own, groups: grouped, ...shared } = content;
    for (const [task, keys] of Object.entries(own))
      tasks.set(task, filledIn(validate(taskDefinition, { ...shared, ...keys }, () => `${file}: ${task}`)));
    for (const [group, definition] of Object.entries(grouped)) groups.set(group, definition);
  }
  return { tasks, groups };
}

/** Alias and description may speak of the configuration's name, so that a family says them once. */
function filledIn(definition: TaskDefinition): TaskDefinition {
  const { alias, description, dataset_config } = definition;
  const names = { dataset_config };
  return {
    ...definition,
    ...(alias !== undefined && { alias: renderTemplate(alias, names) }),
    description: renderTemplate(description, names),
  };
}
