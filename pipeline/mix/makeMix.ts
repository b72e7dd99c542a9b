// The mix stage: rows of many datasets become one seeded set of training samples, split and put in order.
// Sources are read one after another, and memory holds only what may be in the mix. The same rows, tokenizer and
// parameters give the same bytes; a mix that is there already is found by its fingerprint.
import { dirname, join, resolve } from 'node:path';
import { commitFile, type FileRecord } from '../artifact/commitFile.ts';
import { reuseFinished, writeManifest, type Manifest, type ManifestPlan } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { progressMeter } from '../terminal/progressMeter.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { loadBenchmarks, overlapTally, type Benchmarks, type OverlapTally } from './benchmarkOverlap.ts';
import { sampleChooser } from './chooseSamples.ts';
import { collectSource, type Candidate, type Collected } from './collectSource.ts';
import { datasetFiles, datasetFingerprint, type DatasetFile } from './datasetSources.ts';
import { mixParameters, type MixConfig } from './mixConfig.ts';
import { writeMixCard } from './mixCard.ts';
import { writeMixParquet } from './mixParquet.ts';
import { statisticsOf } from './mixStatistics.ts';
import { reasonsText, type Rejection } from './rejection.ts';
import { byRank, quotas, rankOf } from './selection.ts';
import { loadTokenizer, tokenizerFingerprint, type ChatTokenizer } from './tokenizer.ts';
import { mixFormatVersion, writeTokens, type Sample } from './tokensArrow.ts';
import { sampleEncoder } from './trainingSample.ts';

/**
 * Makes the mix in `out`, or finds that it is there already (then manifest.json only gets the present time, for make).
 * @param sourcesFile sources.json of the stage `fetch`; default: in the parent folder of `out`.
 * @param progress told of each source as it is done.
 * @throws UserError on anything in configuration, data or tokenizer that the user can mend.
 */
export async function makeMix({
  config,
  tokenizerFolder,
  out,
  sourcesFile = join(dirname(resolve(out)), 'sources.json'),
  progress = () => undefined,
}: {
  config: MixConfig;
  tokenizerFolder: string;
  out: string;
  sourcesFile?: string | undefined;
  progress?: Progress;
}): Promise<{ manifest: Manifest; upToDate: boolean }> {
  const globs = Object.entries(config.sources).map(([name, { files }]) => [name, files] as const);
  const files = await datasetFiles(sourcesFile, Object.fromEntries(globs));
  const benchmarks = await loadBenchmarks(config.decontaminate, { progress });
  const tokenizer = await tokenizerFingerprint(tokenizerFolder);
  const plan = mixPlan(config, { files, tokenizer, benchmarks });
  const finished = await reuseFinished(out, plan);
  if (finished) return { manifest: finished, upToDate: true };
  const tally = overlapTally(benchmarks.sizes);
  const { collected, rejectedFile } = await collectAll(out, {
    ...{ config, files, benchmarks, tally, progress },
    tokenizer: await loadTokenizer(tokenizerFolder),
  });
  const samples = arrange(collected, config);
  const statistics = { ...statisticsOf(collected, samples), benchmarks: tally.statistics() };
  const written = [
    await writeTokens(out, samples),
    await writeForPeople(out, samples),
    await writeMixCard(out, statistics),
    rejectedFile,
    await tally.commit(out),
  ];
  return { manifest: await writeManifest(out, plan, { statistics, files: written }), upToDate: false };
}

function mixPlan(
  config: MixConfig,
  {
    files,
    tokenizer,
    benchmarks,
  }: { files: Record<string, DatasetFile[]>; tokenizer: string; benchmarks: Benchmarks },
): ManifestPlan {
  const datasets = Object.entries(files).map(
    ([name, list]) => [`dataset.${name}`, datasetFingerprint(list)] as const,
  );
  const items = Object.entries(benchmarks.fingerprints).map(
    ([task, print]) => [`benchmark.${task}`, print] as const,
  );
  return {
    kind: 'mix',
    formatVersion: mixFormatVersion,
    inputs: { tokenizer, ...Object.fromEntries([...datasets, ...items]) },
    parameters: mixParameters(config),
  };
}

/** Reads the sources in the order of their names: a sample that several have is of the first. */
async function collectAll(
  out: string,
  {
    config,
    files,
    tokenizer,
    benchmarks,
    tally,
    progress,
  }: {
    config: MixConfig;
    files: Record<string, DatasetFile[]>;
    tokenizer: ChatTokenizer;
    benchmarks: Benchmarks;
    tally: OverlapTally;
    progress: Progress;
  },
): Promise<{ collected: Collected[]; rejectedFile: FileRecord }> {
  const encode = await sampleEncoder(tokenizer, config);
  const choose = sampleChooser(config, benchmarks);
  const wanted = quotas(config);
  const collected: Collected[] = [];
  let rows = 0;
  const record = await commitFile(join(out, 'rejected.jsonl'), async (write) => {
    const reject = (rejections: readonly Rejection[]) => {
      rows += rejections.length;
      tally.add(rejections);
      return write(rejections.map((rejection) => JSON.stringify(rejection) + '\n').join(''));
    };
    for (const source of Object.keys(files).sort()) {
      const pace = progressMeter({ unit: 'rows' });
      const share = { source, files: files[source]!, wanted: wanted[source]! };
      const found = await collectSource(share, { config, tokenizer, encode, choose, reject, progress });
      const { rowsRead, samples } = found;
      if (samples.length === 0 && share.wanted > 0) throw nothingTaken(found);
      collected.push(found);
      const from = columnsInWords(found);
      progress(`${source}: ${rowsRead} rows read (${pace(rowsRead)}) of ${from}, ${samples.length} samples`);
    }
  });
  return { collected, rejectedFile: { ...record, rows } };
}

function columnsInWords({ columns, columnsLeftOut }: Collected): string {
  const taken = Object.keys(columns).map((names) => `columns ${names}`);
  const leftOut = columnsLeftOut.length > 0 ? ` (not ${columnsLeftOut.join(', ')})` : '';
  return `${taken.join(' or ') || 'no columns'}${leftOut}`;
}

type MixedSample = Candidate & Sample;

/** The candidates of all sources, held-out ones chosen by id, in an order that tells nothing of the sources. */
function arrange(collected: readonly Collected[], { seed, held_out }: MixConfig): MixedSample[] {
  const candidates = collected.flatMap(({ samples }) => samples);
  if (candidates.length <= held_out) throw tooFewSamples(collected, { kept: candidates.length, held_out });
  const ranked = (purpose: 'held_out' | 'order') =>
    candidates
      .map((candidate) => ({ candidate, rank: rankOf(seed, purpose, candidate.id) }))
      .sort(byRank)
      .map(({ candidate }) => candidate);
  const heldOut = new Set(ranked('held_out').slice(0, held_out));
  return ranked('order').map((candidate) => ({
    ...candidate,
    split: heldOut.has(candidate) ? 'held_out' : 'train',
  }));
}

/** A source that was asked for and gives nothing is a mistake, and not a mix without it. */
function nothingTaken({ source, rowsRead, rejected }: Collected): UserError {
  return new UserError({
    field: `sources.${source}`,
    problem: `none of its ${rowsRead} rows can be taken`,
    remedy: `left out: ${reasonsText(rejected)}`,
  });
}

function tooFewSamples(
  collected: readonly Collected[],
  { kept, held_out }: { kept: number; held_out: number },
): UserError {
  const reasons = collected.flatMap(({ source, rejected }) =>
    Object.entries(rejected).map(([reason, rows]) => `${source}: ${reason} ${rows}`),
  );
  return new UserError({
    field: 'held_out',
    value: held_out,
    problem: `only ${kept} samples could be made`,
    remedy: reasons.length > 0 ? `rejected rows: ${reasons.join(', ')}` : 'the sources hold no rows',
  });
}

function writeForPeople(out: string, samples: readonly MixedSample[]): Promise<FileRecord> {
  const rows = samples.map(({ id, source, file, row, split, prompt, response, tokenIds }) => ({
    ...{ id, source, file, row, split, prompt, response },
    token_count: tokenIds.length,
  }));
  return writeMixParquet(out, rows);
}
