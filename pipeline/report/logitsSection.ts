// The logits cache: its size, how much of the teacher's probability it keeps, and how true it is to the teacher.
import { markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { statisticsTables } from './statisticsTables.ts';

/** Samples, positions, k, bytes a token and tail mass by source, and fidelity. */
export function logitsSection(run: Run): Section {
  const section = { id: 'logits', title: 'The logits cache' };
  if (!run.logits) return { ...section, content: missing(run, 'logits') };
  return {
    ...section,
    content: [
      markup`<p>The teacher’s most probable tokens at every position that is learned. Tail mass is the probability of
all tokens left out; k is how many were kept.</p>
`,
      staleInputs(run, { name: 'logits', manifest: run.logits }),
      statisticsTables(run.logits.statistics, { captions: { sources: 'The cache by source' } }),
    ],
  };
}
