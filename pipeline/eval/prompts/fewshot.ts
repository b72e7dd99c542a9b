// Which examples stand before a question, drawn exactly as lm_eval 0.4.13 does (api/samplers.py): one generator a task,
// whose stream goes on from question to question, so a question's shots depend on how many came before it.
import { isDeepStrictEqual } from 'node:util';
import type { Doc } from './evalItem.ts';
import { pythonRandom } from './pythonRandom.ts';

/** The seed that the harness gives to every task. */
const FEWSHOT_SEED = 1234;

/** The shots of the next question; to be called for every question, in order. */
export type FewshotSampler = (doc: Doc) => Doc[];

/**
 * @param pool rows to draw from
 * @param excludeAsked leave out rows equal to the question's own, of which one more is drawn then
 */
export function fewshotSampler(
  pool: readonly Doc[],
  { shots, sampler, excludeAsked }: { shots: number; sampler: 'default' | 'first_n'; excludeAsked: boolean },
): FewshotSampler {
  if (shots === 0) return () => [];
  const isOther = (doc: Doc) => (row: Doc) => !excludeAsked || !isDeepStrictEqual(row, doc);
  if (sampler === 'first_n') return (doc) => pool.filter(isOther(doc)).slice(0, shots);
  const random = pythonRandom(FEWSHOT_SEED);
  return (doc) => {
    const drawn = random.sample(pool, excludeAsked ? shots + 1 : shots).filter(isOther(doc));
    return drawn.length >= shots ? drawn.slice(0, shots) : random.sample(pool.filter(isOther(doc)), shots); // the row was in the pool more than once
  };
}
