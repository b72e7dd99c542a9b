// One task of lm-evaluation-harness from its rows to scored samples on disk.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '../artifact/commitFile.ts';
import type { ChatTokenizer } from '../mix/tokenizer.ts';
import { answerItems, type Answer, type Respondent } from './answers/answerItems.ts';
import { openAnswerLog } from './answers/answerLog.ts';
import type { EvalConfig } from './evalConfig.ts';
import type { EvaluatedTask } from './scores/evaluationResults.ts';
import type { EvalTask } from './prompts/loadTask.ts';
import { writeSamples } from './scores/samplesFile.ts';
import { taskItems } from './prompts/taskItems.ts';

/** A task with its scores, its file of samples, and how many requests the model's context did not hold. */
export interface FinishedTask {
  evaluated: EvaluatedTask;
  file: FileRecord;
  truncated: number;
}

interface TaskRun {
  config: EvalConfig;
  tokenizer: ChatTokenizer;
  respondent: () => Promise<Respondent>;
  out: string;
  /** Of the whole evaluation. */
  plan: string;
  onProgress?: (answered: number, total: number) => void;
}

/** Where the answers of a task that is not finished lie. */
function answersPath(out: string, task: string): string {
  return join(out, 'answers', `${task}.jsonl`);
}

/** Asks, scores and writes `out`/samples_TASK.jsonl; answers are kept in `answersPath` until then. */
export async function evaluateTask(
  task: EvalTask,
  { config, tokenizer, respondent, out, plan, onProgress }: TaskRun,
): Promise<FinishedTask> {
  const items = taskItems(task, {
    ...(config.limit !== undefined && { limit: config.limit }),
    ...(config.system_prompt !== undefined && { systemPrompt: config.system_prompt }),
    ...(config.apply_chat_template && {
      chat: { tokenizer, fewshotAsMultiturn: config.fewshot_as_multiturn },
    }),
  });
  const log = await openAnswerLog<Answer>(answersPath(out, task.name), plan);
  const responses = await answerItems(items, { log, respondent, ...(onProgress && { onProgress }) });
  const answered = items.map((item, i) => ({ item, responses: responses[i]! }));
  const { definition, name, shots } = task;
  const { file, scores, hash } = await writeSamples(out, {
    task: name,
    items: answered,
    scoring: definition,
  });
  const evaluated: EvaluatedTask = {
    ...{ task: name, version: definition.version, numFewshot: shots, scores, hash },
    alias: definition.alias,
    higherIsBetter: Object.fromEntries(Object.keys(scores[0] ?? {}).map((key) => [key.split(',')[0]!, true])),
    config: { ...definition, num_fewshot: shots },
    original: task.docs.length,
  };
  return { evaluated, file, truncated: responses.flat().filter((each) => each.truncated > 0).length };
}

/** Removes the answers of finished tasks. */
export function forgetAnswers(out: string): Promise<void> {
  return rm(join(out, 'answers'), { recursive: true, force: true });
}
