// The evaluation of one model folder: results.json with the scores under lm-evaluation-harness's keys, and one
// samples_TASK.jsonl a task with what each score came from. Killed, it continues with what is not yet answered.
import { basename, resolve } from 'node:path';
import {
  planFingerprint,
  reuseFinished,
  writeManifest,
  type Manifest,
  type ManifestPlan,
} from '../artifact/manifest.ts';
import type { Json } from '../artifact/fingerprint.ts';
import { loadTokenizer, type ChatTokenizer } from '../mix/tokenizer.ts';
import { disposeDecoder, loadDecoder } from '../model/loadDecoder.ts';
import { readModelConfig } from '../model/modelConfig.ts';
import { weightBytes } from '../model/weightBytes.ts';
import { longestAnswered } from '../plan/evalWork.ts';
import { requireMemory } from '../plan/requireMemory.ts';
import { evalMemory } from '../plan/stageMemory.ts';
import type { Respondent } from './answers/answerItems.ts';
import { evaluateTask, forgetAnswers, type FinishedTask } from './benchmarkTask.ts';
import { benchmarksOf, HELD_OUT, type EvalConfig } from './evalConfig.ts';
import { evaluationPlan } from './evaluationPlan.ts';
import { evaluationResults, type EvaluationResults } from './scores/evaluationResults.ts';
import { readGenerationSettings } from './answers/generationSettings.ts';
import { evaluateHeldOut, openHeldOut } from './heldOutTask.ts';
import { loadTasks, type EvalTask } from './prompts/loadTask.ts';
import type { HeldOutScores } from '../train/heldOut.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { writeResults } from './scores/resultsFile.ts';
import { expandTasks } from './prompts/taskCatalog.ts';

/** The model to evaluate, what the held-out task needs, and where the results go. */
export interface EvalFolders {
  model: string;
  mix: string;
  logits: string;
  out: string;
}

/** What a caller may watch. */
export interface EvalHooks {
  progress?: Progress;
  /** Requests of a task that are answered. */
  onAnswers?: (task: string, answered: number, total: number) => void;
}

/** Evaluates `folders.model` and writes `out/results.json`, the samples and `out/manifest.json`. */
export async function evaluateModel(
  config: EvalConfig,
  folders: EvalFolders,
  hooks: EvalHooks = {},
): Promise<Manifest> {
  const loaded = await loadTasks(benchmarksOf(config), loadOptions(config, hooks));
  const tasks = loaded.map((task) => withAnswerLimit(task, config));
  const heldOut = config.tasks.includes(HELD_OUT) ? await openHeldOut(folders, config) : undefined;
  const generates = tasks.some(({ definition }) => definition.kind === 'generate_until');
  const respondent = lazyRespondent(folders.model, config, { generates, progress: hooks.progress });
  try {
    const plan = await evaluationPlan(config, { model: folders.model, tasks, inputs: heldOut?.inputs ?? {} });
    const finished = await reuseFinished(folders.out, plan);
    if (finished) return finished;
    const { out } = folders;
    const scored = heldOut && (await evaluateHeldOut(heldOut, { ...(await respondent.get()), config, out }));
    const benchmarks = await evaluateTasks(tasks, { config, folders, respondent, plan, hooks });
    const results = await resultsOf(benchmarks, { config, folders, respondent, heldOut: scored?.scores });
    const files = [
      await writeResults(out, results),
      ...(scored?.files ?? []),
      ...benchmarks.map(({ file }) => file),
    ];
    const manifest = await writeManifest(out, plan, { statistics: scoresAlone(results), files });
    await forgetAnswers(out);
    return manifest;
  } finally {
    await heldOut?.close();
    await respondent.dispose();
  }
}

function loadOptions({ data, num_fewshot }: EvalConfig, { progress }: EvalHooks) {
  return {
    data,
    ...(num_fewshot !== undefined && { numFewshot: num_fewshot }),
    ...(progress && { progress }),
  };
}

function withAnswerLimit(task: EvalTask, { max_gen_toks }: EvalConfig): EvalTask {
  const { definition } = task;
  if (definition.kind !== 'generate_until' || max_gen_toks === undefined) return task;
  return { ...task, definition: { ...definition, max_gen_toks } };
}

/** Of each task and group what is a number, under lm-eval's keys. */
function scoresAlone({ results }: EvaluationResults): Record<string, Json> {
  const isScore = ([key, value]: [string, unknown]) => typeof value === 'number' && key !== 'sample_len';
  return Object.fromEntries(
    Object.entries(results).map(([task, scores]) => [
      task,
      Object.fromEntries(Object.entries(scores).filter(isScore)) as Record<string, number>,
    ]),
  );
}

/** Loads model and tokenizer when they are first asked for. */
function lazyRespondent(
  folder: string,
  config: EvalConfig,
  { generates, progress }: { generates: boolean; progress: Progress | undefined },
) {
  let loading: Promise<Respondent> | undefined;
  let tokenizing: Promise<ChatTokenizer> | undefined;
  const tokenizer = () => (tokenizing ??= loadTokenizer(folder));
  const load = async (): Promise<Respondent> => {
    await requireRoom(folder, config, progress);
    return {
      decoder: await loadDecoder(folder, config),
      tokenizer: await tokenizer(),
      batchTokens: config.batch_tokens,
      headBlock: config.head_block,
      generating: {
        ...(generates && (await readGenerationSettings(folder))),
        ...{ rows: config.rows, batchTokens: config.batch_tokens },
      },
    };
  };
  return {
    tokenizer,
    get: () => (loading ??= load()),
    dispose: async () => {
      if (loading) disposeDecoder((await loading).decoder);
    },
  };
}

/** @throws UserError when memory cannot hold the model */
async function requireRoom(
  folder: string,
  config: EvalConfig,
  progress: Progress | undefined,
): Promise<void> {
  const longest = longestAnswered(config);
  const weights = await weightBytes(folder, config);
  const remedy = 'set dtype: bfloat16, fewer rows, or a lower batch_tokens and head_block in eval.yaml';
  await requireMemory(evalMemory(await readModelConfig(folder), config, { longest, weights }), {
    ...{ remedy, progress },
  });
}

type LazyRespondent = ReturnType<typeof lazyRespondent>;

async function evaluateTasks(
  tasks: readonly EvalTask[],
  {
    config,
    folders: { out },
    respondent,
    plan,
    hooks,
  }: {
    config: EvalConfig;
    folders: EvalFolders;
    respondent: LazyRespondent;
    plan: ManifestPlan;
    hooks: EvalHooks;
  },
): Promise<FinishedTask[]> {
  const finished: FinishedTask[] = [];
  for (const task of tasks) {
    const result = await evaluateTask(task, {
      ...{ config, out, plan: planFingerprint(plan) },
      ...{ tokenizer: await respondent.tokenizer(), respondent: respondent.get },
      onProgress: (answered, total) => hooks.onAnswers?.(task.name, answered, total),
    });
    if (result.truncated > 0)
      hooks.progress?.(
        `${task.name}: ${result.truncated} requests were cut on the left, as the model's context is too short`,
      );
    finished.push(result);
  }
  return finished;
}

async function resultsOf(
  tasks: readonly FinishedTask[],
  {
    config,
    folders,
    respondent,
    heldOut,
  }: {
    config: EvalConfig;
    folders: EvalFolders;
    respondent: LazyRespondent;
    heldOut: HeldOutScores | undefined;
  },
): Promise<EvaluationResults> {
  const { groups } = await expandTasks(benchmarksOf(config));
  const { maxPositionEmbeddings: maxLength } = await readModelConfig(folders.model);
  const results = evaluationResults(
    tasks.map(({ evaluated }) => evaluated),
    groups.reverse().map(({ name, tasks, ...group }) => ({ group: name, children: tasks, ...group })),
    {
      modelName: basename(resolve(folders.model)),
      config,
      systemInstruction: config.system_prompt,
      chatTemplate: config.apply_chat_template ? (await respondent.tokenizer()).chatTemplate : undefined,
      fewshotAsMultiturn: config.apply_chat_template && config.fewshot_as_multiturn,
      maxLength,
    },
  );
  return {
    ...results,
    results: {
      ...(heldOut && { [HELD_OUT]: { name: HELD_OUT, alias: HELD_OUT, ...heldOut } }),
      ...results.results,
    },
  };
}
