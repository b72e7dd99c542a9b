// Decontamination: the items of the benchmarks that a mix must not hold, and what of them its datasets held.
// A row is turned down when it shares 13 words in a row with an item, or all words of a shorter one (GPT-3, Brown et al.
// 2020, section 4 and appendix C; eval/scores/contamination.ts). GPT-3 let pass what more than 10 training documents
// have; here nothing is let pass, as the next row takes the place of one that is turned down.
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import { fingerprint, type Json } from '../artifact/fingerprint.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import { itemTexts } from '../eval/prompts/itemTexts.ts';
import { loadTasks } from '../eval/prompts/loadTask.ts';
import { itemFinder, type FoundItem } from '../eval/scores/contamination.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import type { MixConfig } from './mixConfig.ts';
import type { Rejection } from './rejection.ts';

/** Items to keep out of a mix. */
export interface Benchmarks {
  /** Names of the items' words, by task. */
  fingerprints: Record<string, string>;
  /** How many items each task has. */
  sizes: Record<string, number>;
  /** The items that a text overlaps with. */
  itemsIn: (text: string) => FoundItem[];
}

/** What of a task's items the rows held that were looked at. */
export type TaskOverlap = {
  items: number;
  /** Items that some row overlapped with. */
  found: number;
  /** Rows turned down for it, by source; a row that overlaps with several tasks counts in each. */
  rows: Record<string, number>;
};

/**
 * The tasks' items, read as `make eval` reads them.
 * @throws UserError for an unknown task or data that is missing or broken.
 */
export async function loadBenchmarks(
  { tasks: names, data }: MixConfig['decontaminate'],
  { progress }: { progress: Progress },
): Promise<Benchmarks> {
  const statedIn = { file: 'mix.yaml', field: 'decontaminate.data' };
  const tasks = await loadTasks(names, { data, statedIn, progress, numFewshot: 0 });
  const items = new Map(tasks.map((task) => [task.name, itemTexts(task)]));
  return {
    fingerprints: Object.fromEntries(
      [...items].map(([task, texts]) => [task, fingerprint(texts as unknown as Json)]),
    ),
    sizes: Object.fromEntries([...items].map(([task, texts]) => [task, texts.length])),
    itemsIn: itemFinder(items),
  };
}

/** The ids of items by their task. */
export function itemsByTask(items: readonly FoundItem[]): Record<string, number[]> {
  const byTask: Record<string, number[]> = {};
  for (const { task, id } of items) (byTask[task] ??= []).push(id);
  return byTask;
}

/** Counts rejected rows by the items that they overlap with. */
export interface OverlapTally {
  add: (rejections: readonly Rejection[]) => void;
  statistics: () => Record<string, TaskOverlap>;
  /** Commits `folder`/contamination.json: by task, its items, the ids of those found, and rows by source. */
  commit: (folder: string) => Promise<FileRecord>;
}

/** @param sizes how many items each task has */
export function overlapTally(sizes: Benchmarks['sizes']): OverlapTally {
  const tallies = Object.entries(sizes).map(([task, items]) => {
    const rows: Record<string, number> = {};
    return [task, { items, found: new Set<number>(), rows }] as const;
  });
  const byTask = new Map(tallies);
  const count = (source: string, items: Record<string, number[]>) => {
    for (const [task, ids] of Object.entries(items)) {
      const { found, rows } = byTask.get(task)!;
      for (const id of ids) found.add(id);
      rows[source] = (rows[source] ?? 0) + 1;
    }
  };
  const each = <T>(of: (found: Set<number>) => T) =>
    Object.fromEntries(tallies.map(([task, tally]) => [task, { ...tally, found: of(tally.found) }]));
  return {
    add(rejections) {
      for (const rejection of rejections) if ('items' in rejection) count(rejection.source, rejection.items);
    },
    statistics: () => each((found) => found.size),
    commit: (folder) =>
      commitJson(
        join(folder, 'contamination.json'),
        each((found) => [...found].sort((a, b) => a - b)),
      ),
  };
}
