// How large a mix is: as it was made, or, before it is, as its configuration lets expect. How long rows are is not known
// before they are read, so an estimate rests on means of each format, cut off at max_tokens as the mix cuts them.
import { fingerprint } from '../artifact/fingerprint.ts';
import { findManifest } from '../artifact/manifest.ts';
import type { LengthStatistics, MixStatistics } from '../mix/mixStatistics.ts';
import { mixParameters, type MixConfig, type MixSource } from '../mix/mixConfig.ts';

/** What a source, or all of them, bring to the mix. */
export interface SourceSize {
  samples: number;
  /** Prompts included, and those in the loss. */
  tokens: number;
  targetTokens: number;
}

export interface MixSize extends SourceSize {
  sources: Record<string, SourceSize>;
  /** Part of the samples that is not trained on. */
  heldOutShare: number;
  longest: number;
  isMeasured: boolean;
}

/**
 * Tokens of a prompt and of a response by format: of the first three the bytes of the published files by rows and by 3.5
 * bytes a token; R1's traces run to thousands of tokens, of which `max_tokens` leaves what fits. Assumptions, all of them.
 */
const EXPECTED_TOKENS: Record<NonNullable<MixSource['format']>, { prompt: number; response: number }> = {
  metamathqa: { prompt: 80, response: 180 },
  orca_math: { prompt: 80, response: 250 },
  evol_code: { prompt: 120, response: 300 },
  numina_r1: { prompt: 110, response: 3500 },
  r1_distill_sft: { prompt: 110, response: 2000 },
  columns: { prompt: 100, response: 500 },
  auto: { prompt: 100, response: 500 },
};

/** Where lengths spread as widely as those of traces, samples that fit a bound are on average half as long as it. */
const MEAN_OF_BOUND = 0.5;

/** The mix in `folder` if it was made with these very parameters, else what is to be expected. */
export async function mixSize(config: MixConfig, folder: string): Promise<MixSize> {
  const manifest = await findManifest(folder).catch(() => undefined);
  const isSame = manifest && fingerprint(manifest.parameters) === fingerprint(mixParameters(config));
  return isSame ? measuredSize(manifest.statistics as unknown as MixStatistics) : expectedSize(config);
}

function measuredSize({ sources, total }: MixStatistics): MixSize {
  const sizeOf = ({ kept, tokens, target_tokens }: LengthStatistics): SourceSize => ({
    ...{ samples: kept, tokens, targetTokens: target_tokens },
  });
  return {
    ...sizeOf(total),
    sources: Object.fromEntries(Object.entries(sources).map(([name, counts]) => [name, sizeOf(counts)])),
    heldOutShare: total.held_out / total.kept,
    longest: total.max_tokens,
    isMeasured: true,
  };
}

function expectedSize(config: MixConfig): MixSize {
  const sources = Object.fromEntries(
    Object.entries(config.sources).map(([name, source]) => [name, expectedSource(source, config)]),
  );
  const sum = (of: (size: SourceSize) => number) =>
    Object.values(sources).reduce((total, size) => total + of(size), 0);
  return {
    ...{ samples: sum(({ samples }) => samples), tokens: sum(({ tokens }) => tokens) },
    targetTokens: sum(({ targetTokens }) => targetTokens),
    sources,
    heldOutShare: config.held_out / config.total,
    longest: config.max_tokens,
    isMeasured: false,
  };
}

function expectedSource(source: MixSource, { sources, total, max_tokens, loss_on }: MixConfig): SourceSize {
  const all = Object.values(sources);
  const counted = all.reduce((sum, { count = 0 }) => sum + count, 0);
  const weights = all.reduce((sum, { weight = 0 }) => sum + weight, 0);
  const samples = Math.round(source.count ?? ((total - counted) * source.weight!) / weights);
  const { prompt, response } = EXPECTED_TOKENS[source.format ?? 'auto'];
  const length = Math.round(Math.min(prompt + response, Math.max(prompt, MEAN_OF_BOUND * max_tokens)));
  const inLoss = loss_on === 'all' ? length - 1 : length - Math.min(prompt, length / 2);
  return { samples, tokens: samples * length, targetTokens: Math.round(samples * inLoss) };
}
