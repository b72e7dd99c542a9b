// What an evaluation reads and writes. How long the benchmarks' items are is known only with their rows, so these are
// round means, for tokenizers of this size; what items begin with in common is computed once and not counted twice.
import type { EvalConfig } from '../eval/evalConfig.ts';
import { HELD_OUT } from '../eval/evalConfig.ts';
import type { MixSize } from './mixSize.ts';
import { textOf, type Text } from './work.ts';

/** Items of a task, tokens that are read for one and generated for one. Items are those of the published splits. */
const TASKS: Record<string, { items: number; read: number; generated: number }> = {
  arc_challenge: { items: 1172, read: 1200, generated: 0 },
  hellaswag: { items: 10_042, read: 1100, generated: 0 },
  mmlu: { items: 14_042, read: 150, generated: 0 },
  truthfulqa_mc1: { items: 817, read: 120, generated: 0 },
  truthfulqa_mc2: { items: 817, read: 150, generated: 0 },
  winogrande: { items: 1267, read: 200, generated: 0 },
  gsm8k: { items: 1319, read: 900, generated: 200 },
  leaderboard_gpqa: { items: 1192, read: 250, generated: 0 },
  leaderboard_mmlu_pro: { items: 12_032, read: 1200, generated: 0 },
  leaderboard_musr: { items: 756, read: 1300, generated: 0 },
  leaderboard_bbh: { items: 5761, read: 700, generated: 0 },
  leaderboard_ifeval: { items: 541, read: 60, generated: 600 },
};

/** Positions that an answer's likelihood is read at, of an item without generation. */
const ANSWER_POSITIONS = 30;

/** Tokens that a task lets an answer have, the most of any. */
const LONGEST_ANSWER = 1280;

export interface EvalWork {
  text: Text;
  /** Passes of generation, `rows` answers a token further. */
  passes: number;
  /** Tasks of which nothing is known; they are not counted. */
  unknown: string[];
}

/** Of one model. */
export function evalWork(config: EvalConfig, mix: MixSize): EvalWork {
  const heldOut = config.tasks.includes(HELD_OUT) ? textOf(mix, mix.heldOutShare) : textOf({ sources: {} });
  const benchmarks = config.tasks.filter((task) => task !== HELD_OUT);
  const known = benchmarks.flatMap((task) => TASKS[task] ?? []);
  const counts = known.map(({ items, read, generated }) => ({
    items: Math.min(items, config.limit ?? items),
    ...{ read, generated: Math.min(generated, config.max_gen_toks ?? generated) },
  }));
  const sum = (of: (count: (typeof counts)[number]) => number) =>
    counts.reduce((all, count) => all + of(count), 0);
  return {
    text: {
      tokens: heldOut.tokens + sum(({ items, read, generated }) => items * (read + generated)),
      positions: heldOut.positions + sum(({ items, generated }) => items * (generated || ANSWER_POSITIONS)),
      squares: heldOut.squares + sum(({ items, read, generated }) => items * (read + generated) ** 2),
    },
    passes: sum(({ items, generated }) => Math.ceil(items / config.rows) * generated),
    unknown: benchmarks.filter((task) => !(task in TASKS)),
  };
}

/** Most tokens of a row that is generated, prompt included; 0 when nothing is generated. */
export function longestAnswered({ tasks, max_gen_toks }: EvalConfig): number {
  const lengths = tasks.flatMap((task) => {
    const { read = 0, generated = 0 } = TASKS[task] ?? {};
    return generated === 0 ? [] : [read + (max_gen_toks ?? LONGEST_ANSWER)];
  });
  return Math.max(0, ...lengths);
}
