// What a task asks of a model, item by item, and what comes back: the seam between prompts (tasks), the engine that
// scores them, and the metrics. Names of kinds, filters and metrics are those of lm-evaluation-harness 0.4.13.

/** How probable is `continuation` after `context`? */
export interface LikelihoodRequest {
  kind: 'loglikelihood';
  context: string;
  continuation: string;
}

/** What does the model write after `context`, greedily? */
export interface GenerationRequest {
  kind: 'generate_until';
  context: string;
  /** Texts before which the answer ends. */
  until: readonly string[];
  maxNewTokens: number;
}

export interface Likelihood {
  /** Σ log p over the continuation's tokens, in nats. */
  logLikelihood: number;
  /** Whether each of its tokens is the most probable one. */
  isGreedy: boolean;
  /** Tokens cut off the left end, as the model's context did not hold them. */
  truncated: number;
}

export interface Generation {
  text: string;
  truncated: number;
}

/** A row of a dataset, as the task's prompts and metrics see it. */
export type Doc = Record<string, unknown>;

/** One item of a task with all that is asked about it. */
export interface EvalItem {
  docId: number;
  doc: Doc;
  /** The right answer as lm-eval logs it: the index of a choice, or a text. */
  target: string;
  /** Index of the right choice, -1 when it is none of them; not for generations. */
  gold?: number;
  /** What each request's continuation says, without the delimiter before it; not for generations. */
  choices?: readonly string[];
  /** One per choice, in order, or one generation. */
  requests: readonly LikelihoodRequest[] | readonly [GenerationRequest];
}

/** A step from a generated text to what is compared. */
export type FilterStep =
  | { function: 'regex'; regex_pattern: string; group_select?: number; fallback?: string }
  | { function: 'remove_whitespace' }
  | { function: 'take_first' };

/** Named steps; metrics are reported per filter, as `exact_match,strict-match`; `none` where there is nothing to do. */
export interface TaskFilter {
  name: string;
  steps: readonly FilterStep[];
}

/** One metric of a task; its per-item values are averaged. */
export interface TaskMetric {
  metric: 'acc' | 'acc_norm' | 'acc_bytes' | 'exact_match' | 'mc2' | 'ifeval';
  /** exact_match: patterns removed from both sides, in order. */
  regexes_to_ignore?: readonly string[];
  ignore_case?: boolean;
  ignore_punctuation?: boolean;
}
