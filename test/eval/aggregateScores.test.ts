// Aggregates against lm_eval 0.4.13's own code (test/golden/eval/makeAggregation.py).
import t, { type Test } from 'tap';
import {
  aggregateItems,
  aggregateTasks,
  type GroupMetric,
  type TaskScores,
} from '../../pipeline/eval/scores/aggregateScores.ts';
import type { Score } from '../../pipeline/eval/scores/itemScores.ts';
import { readJson } from '../readJson.ts';

const golden = readJson('test/golden/eval/aggregation.json') as {
  tasks: { name: string; items: Record<string, Score>[]; scores: TaskScores; size: number }[];
  groups: { members: string[]; metrics: GroupMetric[]; scores: TaskScores }[];
};

t.test('tasks', (t) => {
  for (const { name, items, scores } of golden.tasks) isNear(t, aggregateItems(items), scores, name);
  t.end();
});

t.test('groups', (t) => {
  for (const [i, { members, metrics, scores }] of golden.groups.entries()) {
    const tasks = golden.tasks.filter(({ name }) => members.includes(name));
    isNear(t, aggregateTasks(tasks, metrics), scores, `group ${i}`);
  }
  t.end();
});

/** Equal keys and words, and numbers but for the last bits, which hang on the order of summation. */
function isNear(t: Test, found: TaskScores, wanted: TaskScores, name: string): void {
  t.strictSame(Object.keys(found).sort(), Object.keys(wanted).sort(), `keys of ${name}`);
  for (const [key, value] of Object.entries(wanted)) {
    if (typeof value === 'string') t.equal(found[key], value, `${key} of ${name}`);
    else t.ok(Math.abs(Number(found[key]) - value) < 1e-15, `${key} of ${name}`);
  }
}
