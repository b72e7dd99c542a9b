// The scores of an evaluation under the keys of lm-evaluation-harness 0.4.13, with the tasks' settings and the run's,
// but for times and versions, so that the same evaluation gives the same file.
import { sha256OfText } from '../../artifact/fingerprint.ts';
import { aggregateItems, aggregateTasks, type GroupMetric, type MemberScores } from './aggregateScores.ts';
import type { Score } from './itemScores.ts';

/** A task that was evaluated. */
export interface EvaluatedTask {
  task: string;
  /** What tables call it, if not by its name. */
  alias?: string | undefined;
  version: number | string;
  numFewshot: number;
  higherIsBetter: Record<string, boolean>;
  /** What the task was made of: data set, splits, prompt, metrics. */
  config: Record<string, unknown>;
  /** Items in the split, evaluated or not. */
  original: number;
  /** By item. */
  scores: readonly Record<string, Score>[];
  /** Of its samples. */
  hash: string;
}

/** Tasks and groups whose scores are reported together; children stand before the groups that contain them. */
export interface EvaluatedGroup {
  group: string;
  alias?: string | undefined;
  version?: number | string | undefined;
  /** Names of tasks and groups. */
  children: readonly string[];
  /** None for a mere list of tasks. */
  metrics: readonly GroupMetric[];
}

/** What the scores were made with, beside the tasks' own settings. */
export interface EvaluationSettings {
  modelName: string;
  /** Model, dtype, batch size, limit and the like; kept as `config`. */
  config: Record<string, unknown>;
  systemInstruction?: string | undefined;
  chatTemplate?: string | undefined;
  fewshotAsMultiturn?: boolean | undefined;
  /** Tokens that the model's context holds. */
  maxLength: number;
}

/** Scores and settings of one evaluation, with lm-eval's keys. */
export interface EvaluationResults {
  results: Record<string, ReportedScores>;
  /** The groups among them that have scores of their own. */
  groups?: Record<string, ReportedScores>;
  group_subtasks: Record<string, readonly string[]>;
  configs: Record<string, Record<string, unknown>>;
  versions: Record<string, number | string>;
  'n-shot': Record<string, number>;
  higher_is_better: Record<string, Record<string, boolean | null>>;
  'n-samples': Record<string, { original: number; effective: number }>;
  [setting: string]: unknown;
}

/** The scores of a task or group: `acc,none` and the like, and what they are of. */
export interface ReportedScores {
  name: string;
  alias: string;
  sample_len?: number;
  /** Groups: items by metric. */
  sample_count?: Record<string, number>;
  /** A number, or `N/A`. */
  [metric: string]: number | string | Record<string, number> | undefined;
}

/** The content of results.json. */
export function evaluationResults(
  tasks: readonly EvaluatedTask[],
  groups: readonly EvaluatedGroup[],
  settings: EvaluationSettings,
): EvaluationResults {
  const members = new Map<string, MemberScores[]>();
  for (const { task, scores } of tasks)
    members.set(task, [{ scores: aggregateItems(scores), size: scores.length }]);
  for (const { group, children } of groups)
    members.set(
      group,
      children.flatMap((child) => members.get(child) ?? []),
    );
  const ofTasks = tasks.map((task) => [task.task, taskReport(task, members.get(task.task)![0]!)] as const);
  const ofGroups = groups.map(
    (group) => [group.group, groupReport(group, members.get(group.group)!)] as const,
  );
  const scored = ofGroups.filter((_, i) => groups[i]!.metrics.length > 0);
  return {
    results: Object.fromEntries([...ofTasks, ...ofGroups]),
    ...(scored.length > 0 && { groups: Object.fromEntries(scored) }),
    group_subtasks: Object.fromEntries(groups.map(({ group, children }) => [group, children])),
    configs: sorted(tasks.map(({ task, config }) => [task, config])),
    versions: sorted([
      ...tasks.map(({ task, version }) => [task, version] as const),
      ...groups.map(
        ({ group, version }) => [group, version === undefined ? 'N/A' : String(version)] as const,
      ),
    ]),
    'n-shot': sorted(
      inherited(
        tasks.map(({ task, numFewshot }) => [task, numFewshot]),
        groups,
        same,
      ),
    ),
    higher_is_better: sorted(
      inherited<Record<string, boolean | null>>(
        tasks.map(({ task, higherIsBetter }) => [task, higherIsBetter]),
        groups,
        agreed,
      ),
    ),
    'n-samples': Object.fromEntries(
      tasks.map(({ task, original, scores }) => [task, { original, effective: scores.length }]),
    ),
    ...reportedSettings(settings),
    task_hashes: Object.fromEntries(tasks.map(({ task, hash }) => [task, hash])),
  };
}

function taskReport({ task, alias = task }: EvaluatedTask, { scores, size }: MemberScores): ReportedScores {
  return { name: task, alias, sample_len: size, ...scores };
}

function groupReport(
  { group, alias = group, metrics }: EvaluatedGroup,
  tasks: MemberScores[],
): ReportedScores {
  if (metrics.length === 0) return { alias, name: group };
  const scores = aggregateTasks(tasks, metrics);
  const keys = Object.keys(scores).filter((key) => !key.includes('_stderr,'));
  const count = (key: string) => items(tasks.filter((task) => key in task.scores));
  return {
    alias,
    name: group,
    sample_len: items(tasks),
    ...scores,
    ...(keys.length > 0 && { sample_count: Object.fromEntries(keys.map((key) => [key, count(key)])) }),
  };
}

function items(tasks: readonly MemberScores[]): number {
  return tasks.reduce((total, { size }) => total + size, 0);
}

/** What groups take over from their children, with what the children say. */
function inherited<T>(
  tasks: (readonly [string, T])[],
  groups: readonly EvaluatedGroup[],
  combine: (values: T[]) => T | undefined,
): (readonly [string, T])[] {
  const all = new Map(tasks);
  for (const { group, children } of groups) {
    const values = children.filter((child) => all.has(child)).map((child) => all.get(child)!);
    const combined = combine(values);
    if (combined !== undefined) all.set(group, combined);
  }
  return [...all];
}

function same(values: number[]): number | undefined {
  return new Set(values).size === 1 ? values[0] : undefined;
}

/** By metric; null where the children disagree. */
function agreed(values: Record<string, boolean | null>[]): Record<string, boolean | null> | undefined {
  const merged: Record<string, boolean | null> = {};
  for (const [metric, higher] of values.flatMap(Object.entries) as [string, boolean | null][])
    merged[metric] = metric in merged && merged[metric] !== higher ? null : higher;
  return values.length > 0 ? merged : undefined;
}

function sorted<T>(entries: (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function reportedSettings(settings: EvaluationSettings): Record<string, unknown> {
  const { modelName, config, systemInstruction, chatTemplate, fewshotAsMultiturn } = settings;
  return {
    config,
    max_length: settings.maxLength,
    model_source: 'redistill',
    model_name: modelName,
    model_name_sanitized: modelName.replaceAll(/["<>:/|\\?*[\]]+/g, '__'),
    system_instruction: systemInstruction ?? null,
    system_instruction_sha: systemInstruction ? sha256OfText(systemInstruction) : null,
    fewshot_as_multiturn: fewshotAsMultiturn ?? null,
    chat_template: chatTemplate ?? null,
    chat_template_sha: chatTemplate ? sha256OfText(chatTemplate) : null,
  };
}
