// How many bytes the logits cache takes a loss position: as an existing cache with the same settings says, or by how many
// tokens a position keeps. That depends on how sure the teacher is; the figures are of a small one on mixed text, and a
// large one is surer of its tokens, so that what it keeps is less.
import { findManifest } from '../artifact/manifest.ts';
import { keptBy, temperaturesOf, type LogitsConfig } from '../logits/logitsConfig.ts';
import type { LogitsStatistics } from '../logits/logitsStatistics.ts';
import { valueBytes } from '../logits/logitsShard.ts';

/** Tokens kept at a position by SmolLM2-135M over the embedded mix: with a floor of 2e-4 or more, without, and drawn of 50. */
const MEASURED_KEPT = { withFloor: 55, withoutFloor: 105, drawn: 11 };
const FLOOR = 2e-4;

/** What Arrow puts around the values. */
const FILE_BYTES_PER_VALUE_BYTE = 1.01;

export interface CacheSize {
  bytesPerToken: number;
  isMeasured: boolean;
}

/** @param folder of the logits stage, which may hold a cache */
export async function cacheSize(
  config: LogitsConfig,
  { vocabSize, folder }: { vocabSize: number; folder: string },
): Promise<CacheSize> {
  const manifest = await findManifest(folder).catch(() => undefined);
  const kept = (settings: LogitsConfig) =>
    JSON.stringify([keptBy(settings), settings.precision, temperaturesOf(settings)]);
  if (manifest && kept(manifest.parameters as unknown as LogitsConfig) === kept(config)) {
    const { total } = manifest.statistics as unknown as LogitsStatistics;
    return { bytesPerToken: total.bytes_per_token, isMeasured: true };
  }
  return { bytesPerToken: expectedBytes(config, vocabSize), isMeasured: false };
}

function expectedBytes(config: LogitsConfig, vocabularySize: number): number {
  const isDrawn = config.method === 'sample';
  const format = {
    ...{ vocabularySize, temperatures: temperaturesOf(config), precision: config.precision },
    draws: isDrawn ? config.draws : undefined,
  };
  const tokens = isDrawn ? Math.min(config.draws, MEASURED_KEPT.drawn) : expectedKept(config);
  const positions = 1000; // a sample's own bytes hardly count among them
  return (
    (FILE_BYTES_PER_VALUE_BYTE * valueBytes({ positions, tokens: positions * tokens }, format)) / positions
  );
}

/** Tokens that a position keeps of the most probable ones. */
export function expectedKept({ min_probability, top_k, min_k }: LogitsConfig): number {
  const found = min_probability >= FLOOR ? MEASURED_KEPT.withFloor : MEASURED_KEPT.withoutFloor;
  return Math.max(min_k, Math.min(top_k, found));
}
