// Which candidates are taken, in the order of their ranks: one that holds a benchmark item is not, nor one that repeats
// a sample taken before, of this source or an earlier one. What is taken therefore depends on the candidates alone, and
// no held-out sample repeats one that is trained on.
import { itemsByTask, type Benchmarks } from './benchmarkOverlap.ts';
import type { Candidate } from './collectSource.ts';
import type { Conversation } from './datasetFormats.ts';
import type { MixConfig } from './mixConfig.ts';
import { originOf, type Origin, type Reason, type Rejection } from './rejection.ts';
import { repeatedTexts } from './repeatedTexts.ts';

/** Takes up to `wanted` of the candidates; those behind the last one needed are not looked at. */
export type SampleChooser = (
  candidates: readonly Candidate[],
  wanted: number,
) => { taken: Candidate[]; rejections: Rejection[] };

/** One that remembers all that it takes: the sources of a mix must go through the same. */
export function sampleChooser(
  { near_duplicates }: Pick<MixConfig, 'near_duplicates'>,
  { itemsIn }: Pick<Benchmarks, 'itemsIn'>,
): SampleChooser {
  const ids = new Map<string, Origin>();
  const repeatOf = repeatedTexts<Origin>(near_duplicates);
  const problemOf = ({ id, conversation, ...row }: Candidate): Reason | undefined => {
    const twin = ids.get(id);
    if (twin) return { reason: 'duplicate', of: twin };
    const origin = originOf(row);
    ids.set(id, origin);
    const items = itemsIn(wholeText(conversation));
    if (items.length > 0) return { reason: 'benchmark_overlap', items: itemsByTask(items) };
    const text = near_duplicates.compare === 'prompt' ? promptText(conversation) : wholeText(conversation);
    const repeat = repeatOf(text, origin);
    if (!repeat) return undefined;
    const { of, similarity, isSame } = repeat;
    if (isSame) return { reason: 'duplicate', of };
    return { reason: 'near_duplicate', of, similarity: Math.round(1e4 * similarity) / 1e4 };
  };
  return (candidates, wanted) => {
    const [taken, rejections]: [Candidate[], Rejection[]] = [[], []];
    for (const candidate of candidates) {
      if (taken.length === wanted) break;
      const problem = problemOf(candidate);
      if (problem) rejections.push({ ...originOf(candidate), ...problem });
      else taken.push(candidate);
    }
    return { taken, rejections };
  };
}

function promptText({ prompt }: Conversation): string {
  return prompt.map(({ content }) => content).join('\n');
}

function wholeText(conversation: Conversation): string {
  return `${promptText(conversation)}\n${conversation.response}`;
}
