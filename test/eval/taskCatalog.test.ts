// Task files against what lm_eval 0.4.13 says of its tasks; the numbers of shots that differ from its are written here.
import t from 'tap';
import { expandTasks, taskCatalog } from '../../pipeline/eval/prompts/taskCatalog.ts';
import type { TaskDefinition } from '../../pipeline/eval/prompts/taskFile.ts';
import { readJson } from '../readJson.ts';

interface Theirs {
  alias: string | null;
  dataset_config: string | null;
  num_fewshot: number | null;
  metrics: { metric: string }[];
  filters: { name: string; filter: unknown[] }[] | null;
  generation: { until: string[]; max_gen_toks?: number } | null;
}

const golden = readJson('test/golden/eval/definitions.json') as {
  tasks: Record<string, Theirs>;
  groups: Record<string, { tasks: string[]; alias: string | null; version: number | null }>;
};

/** Where the harness has no number of its own, we take that of the model cards. */
const CARD_SHOTS: [RegExp, number][] = [
  [/^arc_challenge$/, 25],
  [/^hellaswag$/, 10],
  [/^(mmlu_\w+|winogrande)$/, 5],
];

/** Metrics that the harness's own functions compute have names of their own here. */
const METRIC_NAMES: Record<string, string[]> = {
  mc2: ['acc'],
  ifeval: [
    'prompt_level_strict_acc',
    'inst_level_strict_acc',
    'prompt_level_loose_acc',
    'inst_level_loose_acc',
  ],
};

function ours(definition: TaskDefinition) {
  const { kind, target_delimiter, fewshot_delimiter, filters } = definition;
  const { alias = null, dataset_config = null, num_fewshot = null } = definition;
  const isNone = filters.length === 1 && filters[0]!.name === 'none';
  return {
    alias,
    version: definition.version,
    dataset: definition.dataset,
    dataset_config,
    splits: definition.splits,
    num_fewshot,
    sampler: definition.sampler,
    delimiters: [target_delimiter, fewshot_delimiter],
    description: definition.description,
    metrics: definition.metrics.flatMap(({ metric, ...rest }) =>
      (METRIC_NAMES[metric] ?? [metric]).map((name) => ({ metric: name, ...rest })),
    ),
    filters: isNone ? null : filters.map(({ name, steps }) => ({ name, filter: steps })),
    generation:
      kind === 'generate_until' ? { until: definition.until, max_gen_toks: definition.max_gen_toks } : null,
    output_type: kind === 'multiple_contexts' ? 'multiple_choice' : kind,
  };
}

function theirs(name: string): Theirs {
  const theirs = golden.tasks[name]!;
  const [, card = null] = CARD_SHOTS.find(([pattern]) => pattern.test(name)) ?? [];
  const { until, max_gen_toks = 256 } = theirs.generation ?? { until: [] };
  return {
    ...theirs,
    num_fewshot: theirs.num_fewshot ?? card,
    generation: theirs.generation && { until, max_gen_toks },
  };
}

t.test('every task is as the harness defines it', async (t) => {
  const { tasks } = await taskCatalog();
  t.same([...tasks.keys()].sort(), Object.keys(golden.tasks).sort());
  for (const [name, definition] of tasks) t.same(ours(definition), theirs(name), name);
});

t.test('every group has the same members, weighted alike', async (t) => {
  const { groups } = await taskCatalog();
  t.same([...groups.keys()].sort(), Object.keys(golden.groups).sort());
  for (const [name, { alias = null, version = null, metrics, tasks }] of groups) {
    const expected = golden.groups[name]!;
    t.same(
      { alias, version, metrics, tasks: [...tasks].sort() },
      { ...expected, tasks: [...expected.tasks].sort() },
      name,
    );
  }
});

t.test('names stand for tasks and for groups of them', async (t) => {
  const found = await expandTasks(['mmlu']);
  t.equal(found.tasks.length, 57);
  t.same(
    found.groups.map(({ name, leaves }) => [name, leaves.length]),
    [
      ['mmlu', 57],
      ['mmlu_stem', 19],
      ['mmlu_other', 13],
      ['mmlu_social_sciences', 12],
      ['mmlu_humanities', 13],
    ],
  );
  t.same((await expandTasks(['mmlu_stem', 'gsm8k', 'mmlu'])).tasks.length, 58, 'each task once');
});

t.test('unknown names are told with those nearest', async (t) => {
  await t.rejects(expandTasks(['gsm8']), {
    message: 'eval.yaml: tasks = "gsm8": unknown task; did you mean "gsm8k"?',
  });
  await t.rejects(expandTasks(['bbh']), { message: /did you mean .*"leaderboard_bbh_boolean_expressions"/ });
  await t.rejects(expandTasks(['a thing unlike any'], { source: '--tasks' }), {
    message: /^--tasks: tasks = .*; there are arc_challenge, gsm8k, hellaswag, /,
  });
});

t.test(
  'in reverse, what a group contains stands before it, in whatever order it was asked for',
  async (t) => {
    for (const names of [['mmlu_stem', 'mmlu'], ['mmlu', 'mmlu_stem'], ['mmlu']]) {
      const order = (await expandTasks(names)).groups.reverse().map(({ name }) => name);
      t.ok(order.indexOf('mmlu_stem') < order.indexOf('mmlu'), `${names.join()}: ${order.join()}`);
    }
  },
);
