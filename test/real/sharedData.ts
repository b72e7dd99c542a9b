// The benchmark rows of ../shared as eval.yaml would name them. ARC and winogrande lie there without their training rows:
// their own rows stand in.
import { resolve } from 'node:path';

/** The folder, absolute, as Python reads it too. */
export const SHARED = resolve('../shared/data');

/** By task or group and split, as `data` of eval.yaml takes them. */
export const sharedData: Record<string, Record<string, string>> = {
  arc_challenge: {
    train: `${SHARED}/ai2_arc_challenge/test.jsonl`,
    test: `${SHARED}/ai2_arc_challenge/test.jsonl`,
  },
  hellaswag: {
    train: `${SHARED}/hellaswag/fewshot_pool.jsonl`,
    validation: `${SHARED}/hellaswag/eval.jsonl`,
  },
  gsm8k: { train: `${SHARED}/gsm8k/train.jsonl`, test: `${SHARED}/gsm8k/test.jsonl` },
  mmlu: {
    test: `${SHARED}/mmlu/test/{{dataset_config}}.jsonl`,
    dev: `${SHARED}/mmlu/dev/{{dataset_config}}.jsonl`,
  },
  truthfulqa_mc1: { validation: `${SHARED}/truthful_qa/validation.jsonl` },
  truthfulqa_mc2: { validation: `${SHARED}/truthful_qa/validation.jsonl` },
  winogrande: {
    train: `${SHARED}/winogrande/validation.jsonl`,
    validation: `${SHARED}/winogrande/validation.jsonl`,
  },
  leaderboard_bbh: { test: `${SHARED}/bbh/{{dataset_config}}.jsonl` },
  leaderboard_ifeval: { train: `${SHARED}/ifeval/train.jsonl` },
  leaderboard_mmlu_pro: {
    test: `${SHARED}/mmlu_pro/eval_sample60.jsonl`,
    validation: `${SHARED}/mmlu_pro/fewshot_first5.jsonl`,
  },
  leaderboard_musr: {
    murder_mysteries: `${SHARED}/musr/murder_mysteries.jsonl`,
    object_placements: `${SHARED}/musr/object_placements.jsonl`,
    team_allocation: `${SHARED}/musr/object_placements.jsonl`,
  },
};
