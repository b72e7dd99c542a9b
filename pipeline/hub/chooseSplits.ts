// The files of the splits that are wanted of a dataset: those of the repository itself, or, where it keeps its rows as
// something else than we read, those of the copy in Parquet that the Hub keeps on a branch. This is the one place that
// decides it: for fetching, for folders on this machine, for benchmarks and for plans.
import { UserError, type Complaint } from '../config/userError.ts';
import type { RowFormat } from './dataFiles.ts';
import {
  configNamed,
  configUnnamed,
  datasetConfigs,
  PARTIAL,
  type DatasetConfig,
  type DatasetListing,
  type DatasetSplit,
} from './datasetConfigs.ts';
import { isHubError } from './hubErrors.ts';
import { hasFormat, wholeSplit } from './wholeSplit.ts';

/** The branch of the converted copy. */
const CONVERTED = 'refs/convert/parquet';

/** What is asked for of a dataset. */
export interface WantedSplits {
  /** The dataset's configuration (subset); undefined: the only one, or its default. */
  config?: string | undefined;
  splits: readonly string[];
  /** Branch, tag or commit; of "main" there may be a converted copy. */
  revision?: string | undefined;
  /** What can be read (default: Parquet and JSON). */
  formats?: readonly RowFormat[];
}

/** Files by split, in order. */
export type SplitFiles = Record<string, string[]>;

/**
 * @param dataset its name, for messages
 * @param list says what there is at a revision (undefined: main)
 * @returns the listing that has them, and their names there
 * @throws UserError saying which configuration, split or shard is not there, and which are
 */
export async function chooseSplits<L extends DatasetListing>(
  dataset: string,
  wanted: WantedSplits,
  list: (revision?: string) => Promise<L>,
): Promise<{ listing: L; files: SplitFiles }> {
  const revision = wanted.revision === 'main' ? undefined : wanted.revision;
  const own = await list(revision);
  const isConverted = revision === CONVERTED;
  const choice = splitsIn(dataset, { ...own, isConverted }, wanted);
  if ('files' in choice) return { listing: own, files: choice.files };
  const copy = revision === undefined ? await list(CONVERTED).catch(unlessNone) : undefined;
  if (!copy) throw new UserError({ file: dataset, remedy: noCopy(revision), ...choice.missing });
  const { config } = choice;
  const converted = splitsIn(dataset, { ...copy, isConverted: true }, { ...wanted, config });
  if ('files' in converted) return { listing: copy, files: converted.files };
  throw new UserError({ file: dataset, ...converted.missing });
}

/** The splits whose rows the converted copy holds only the beginning of. */
export function partialSplits(files: SplitFiles): string[] {
  return Object.keys(files).filter((split) => files[split]!.some((name) => PARTIAL.test(name)));
}

/** The files of the wanted splits of a folder on this machine. @throws UserError as chooseSplits */
export function localSplits(folder: string, listing: DatasetListing, wanted: WantedSplits): SplitFiles {
  const choice = splitsIn(folder, listing, wanted);
  if ('files' in choice) return choice.files;
  throw new UserError({ file: folder, remedy: 'convert it to Parquet or JSONL', ...choice.missing });
}

/** Not every dataset has a converted copy, and not every one of these was fetched before going offline. */
function unlessNone(error: unknown): undefined {
  if (!isHubError(error, 'no_revision', 'not_cached')) throw error;
}

function noCopy(revision: string | undefined): string {
  return revision === undefined
    ? 'the Hub has no converted copy of it: save it as Parquet or JSON Lines and name that folder'
    : `the Hub converts "main" only, not "${revision}"`;
}

/** What is missing, and the configuration that the converted copy may have it in. */
type Choice = { files: SplitFiles } | { missing: Complaint; config: string | undefined };

/** @throws UserError when it is not clear what is meant, or a part of it is not there: no other copy mends that */
function splitsIn(dataset: string, listing: DatasetListing, wanted: WantedSplits): Choice {
  const configs = datasetConfigs(listing, dataset);
  const { config: name, splits, formats = ['parquet', 'json'] } = wanted;
  const config = name === undefined ? configUnnamed(configs) : configNamed(name, { listing, configs });
  if (!config && name === undefined && configs.length > 0) throw severalConfigs(dataset, configs);
  if (!config) return { missing: missingConfig(name, { configs, listing }), config: name };
  const there = config.splits();
  const files: SplitFiles = {};
  for (const split of splits) {
    const found = there.get(split);
    if (found && hasFormat(found, formats)) files[split] = wholeSplit(dataset, { split, ...found });
    else {
      const missing = found ? unread(split, found) : missingSplit(split, { there, config, configs });
      return { missing, config: name ?? (config.isDeclared ? config.name : undefined) };
    }
  }
  return { files };
}

function severalConfigs(dataset: string, configs: readonly DatasetConfig[]): UserError {
  const problem = `it has several configurations: ${listed(configs.map(({ name }) => name))}`;
  return new UserError({ file: dataset, problem, remedy: `name one: config: ${configs[0]!.name}` });
}

function missingConfig(
  name: string | undefined,
  { configs, listing }: { configs: readonly DatasetConfig[]; listing: DatasetListing },
): Complaint {
  const isNamed = name !== undefined && configs.length > 0;
  if (isNamed)
    return {
      ...{ field: 'config', value: name, problem: 'no such configuration' },
      remedy: `it has ${listed(configs.map((config) => config.name))}`,
    };
  const there = listing.names.length > 0 ? `; it has ${listed(listing.names)}` : '';
  return { problem: `no .parquet, .json or .jsonl file in it${there}` };
}

function missingSplit(
  split: string,
  {
    there,
    config,
    configs,
  }: { there: Map<string, DatasetSplit>; config: DatasetConfig; configs: readonly DatasetConfig[] },
): Complaint {
  const problem = configs.length > 1 ? `no such split of configuration ${config.name}` : 'no such split';
  return { field: 'split', value: split, problem, remedy: `it has ${listed([...there.keys()])}` };
}

function unread(split: string, { files }: DatasetSplit): Complaint {
  const problem =
    files.length > 0
      ? `is in files that are not read here: ${listed(files)}`
      : 'none of the files that the card names for it is there';
  return { field: 'split', value: split, problem };
}

const MOST_LISTED = 8;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return names.slice(0, MOST_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
