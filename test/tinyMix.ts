// A mix of random tokens in a folder, as the stage `mix` leaves it, made with the tokenizer of a (tiny) model.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { writeManifest } from '../pipeline/artifact/manifest.ts';
import { tokenizerFingerprint } from '../pipeline/mix/tokenizer.ts';
import { mixFormatVersion, writeTokens, type Sample } from '../pipeline/mix/tokensArrow.ts';
import { sampleId } from '../pipeline/mix/trainingSample.ts';

interface TinyMixOptions {
  /** Folder whose tokenizer the mix is said to be made with. */
  tokenizer: string;
  samples: Sample[];
}

/** Samples of 2 to `maxLength` tokens; the first third of each is a prompt. Sample i depends on seed and i alone. */
export function randomSamples(
  count: number,
  {
    seed = 0,
    maxLength = 40,
    vocabSize = 300,
  }: { seed?: number; maxLength?: number; vocabSize?: number } = {},
): Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const stream = xoroshiro128plus(1000 * seed + i);
    const tokenIds = Int32Array.from({ length: uniformInt(stream, 2, maxLength) }, () =>
      uniformInt(stream, 0, vocabSize - 1),
    );
    return sampleOf(
      tokenIds,
      Uint8Array.from(tokenIds, (_, j) => (j > 0 && 3 * j >= tokenIds.length ? 1 : 0)),
      i,
    );
  });
}

/** A sample with the id that the stage `mix` would give it. */
export function sampleOf(tokenIds: Int32Array, lossMask: Uint8Array, i = 0): Sample {
  const id = sampleId({ tokenIds, lossMask });
  return { id, source: i % 2 ? 'odd' : 'even', split: 'train', tokenIds, lossMask };
}

export async function writeTinyMix(folder: string, { tokenizer, samples }: TinyMixOptions): Promise<void> {
  const files = [await writeTokens(folder, samples)];
  const inputs = { tokenizer: await tokenizerFingerprint(tokenizer) };
  const parameters = { loss_on: 'response', samples: samples.map(({ id }) => id) };
  await writeManifest(
    folder,
    { kind: 'mix', formatVersion: mixFormatVersion, inputs, parameters },
    { files },
  );
}
