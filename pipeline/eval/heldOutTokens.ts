// tokens_held_out.jsonl: a few held-out samples token by token, for people to look at: what the text says at a position,
// what teacher and model hold most probable there, and KL(teacher || model). They are the first sample of each source, and
// of each the first positions, so the evaluations of a run show the same ones and the file stays small.
import { join } from 'node:path';
import { z } from 'zod';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { messageOf, UserError } from '../config/userError.ts';
import type { LogitsReader } from '../logits/logitsCache.ts';
import { targetPositions } from '../mix/batches.ts';
import type { ChatTokenizer } from '../mix/tokenizer.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { PositionScores } from '../train/heldOut.ts';

const MOST_SAMPLES = 6;
const MOST_POSITIONS = 160;
const NAME = 'tokens_held_out.jsonl';

const schema = z.object({
  id: z.string(),
  source: z.string(),
  /** The text before the first position. */
  prompt: z.string(),
  /** Loss positions of the sample, of which the first are listed. */
  positions: z.number(),
  tokens: z.array(
    z.object({
      /** In the sample, and what each holds most probable given the sample's text up to here. */
      text: z.string(),
      teacher: z.string(),
      model: z.string(),
      /** Nats; null where it was not finite. */
      kl: z.number().nullable(),
    }),
  ),
});

/** One line of the file. */
export type SampleTokens = z.infer<typeof schema>;

/** The samples that are shown: the first of each source. */
export function shownSamples(samples: readonly Sample[]): Sample[] {
  const first = samples.filter(
    ({ source }, i) => samples.findIndex((other) => other.source === source) === i,
  );
  return first.slice(0, MOST_SAMPLES);
}

/** The lines of the samples, whose scores are in the same order. */
export function sampleTokens(
  samples: readonly Sample[],
  scores: readonly Pick<PositionScores, 'kl' | 'best'>[],
  { cache, tokenizer }: { cache: LogitsReader; tokenizer: Pick<ChatTokenizer, 'decode'> },
): Promise<SampleTokens[]> {
  return Promise.all(
    samples.map(async (sample, i) => {
      const { id, source, tokenIds } = sample;
      const { kl, best } = scores[i]!;
      const positions = targetPositions(sample);
      const teacher = mostProbable(await cache.read(id));
      const text = (token: number) => tokenizer.decode([token]);
      const tokens = positions.slice(0, MOST_POSITIONS).map(async (position, p) => ({
        text: await text(tokenIds[position]!),
        teacher: await text(teacher[p]!),
        model: await text(best[p]!),
        kl: Number.isFinite(kl[p]) ? Number(kl[p]!.toPrecision(4)) : null,
      }));
      const prompt = await tokenizer.decode(tokenIds.subarray(0, positions[0]));
      return { id, source, prompt, positions: positions.length, tokens: await Promise.all(tokens) };
    }),
  );
}

/** The first token kept at each position, which is the most probable. */
function mostProbable({ counts, ids }: { counts: Uint16Array; ids: Int32Array }): number[] {
  let begin = 0;
  return Array.from(counts, (count) => {
    const first = ids[begin]!;
    begin += count;
    return first;
  });
}

/** Commits the file in `folder`. */
export function writeSampleTokens(folder: string, samples: readonly SampleTokens[]): Promise<FileRecord> {
  return commitBytes(join(folder, NAME), samples.map((sample) => JSON.stringify(sample) + '\n').join(''));
}

/** The samples in `folder`; none where there is no such file. @throws UserError when it is damaged. */
export async function readSampleTokens(folder: string): Promise<SampleTokens[]> {
  const file = join(folder, NAME);
  const lines = ((await findText(file)) ?? '').split('\n').filter((line) => line !== '');
  try {
    return lines.map((line) => schema.parse(JSON.parse(line)));
  } catch (error) {
    const problem = error instanceof z.ZodError ? z.prettifyError(error).split('\n')[0]! : messageOf(error);
    throw new UserError({ file, problem, remedy: 'run "make eval" again' });
  }
}
