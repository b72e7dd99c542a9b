// The cases that golden/eval/lmEvalPrompts.py runs through lm_eval, run through our tasks.
import { readFileSync } from 'node:fs';
import type { EvalItem } from '../../pipeline/eval/prompts/evalItem.ts';
import { loadTasks } from '../../pipeline/eval/prompts/loadTask.ts';
import { taskItems } from '../../pipeline/eval/prompts/taskItems.ts';
import { chatRenderer } from '../../pipeline/mix/chatTemplate.ts';

/** A run: tasks on local files. */
export interface PromptCase {
  name: string;
  tasks: string[];
  data: Record<string, Record<string, string>>;
  numFewshot?: number;
  limit?: number;
  systemPrompt?: string;
  /** File of a chat template; without it prompts are plain text. */
  template?: string;
  fewshotAsMultiturn?: boolean;
}

/** What is compared of a task: contexts, and continuations where the model writes none. */
export interface AskedTask {
  task: string;
  items: { target: string; requests: string[][] }[];
}

/** The items of a case in the form that lmEvalPrompts.py writes. */
export async function askedTasks({ tasks, template, ...options }: PromptCase): Promise<AskedTask[]> {
  const chat = template === undefined ? undefined : chatOf(template, options);
  return (await loadTasks(tasks, options)).map((task) => ({
    task: task.name,
    items: taskItems(task, { ...options, ...(chat && { chat }) }).map(comparable),
  }));
}

/** An item as lmEvalPrompts.py writes it. */
export function comparable({ target, requests }: EvalItem): AskedTask['items'][number] {
  return {
    target,
    requests: requests.map((request) =>
      request.kind === 'loglikelihood' ? [request.context, request.continuation] : [request.context],
    ),
  };
}

function chatOf(template: string, { fewshotAsMultiturn = true }: Pick<PromptCase, 'fewshotAsMultiturn'>) {
  const specialTokens = { bos_token: '<s>', eos_token: '</s>' };
  const renderChat = chatRenderer(template, { template: readFileSync(template, 'utf8'), specialTokens });
  return { tokenizer: { renderChat }, fewshotAsMultiturn };
}
