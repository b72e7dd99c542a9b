// The configurations (subsets) of a dataset and the files of their splits: as its card declares them, else by the names of
// its files. Which files there are and what the card says is all that is asked of a repository, a folder or a plan.
import { globPattern } from '../config/globPattern.ts';
import { isIncidental, rowFormat } from './dataFiles.ts';
import { declaredConfigs, type DeclaredConfig } from './datasetCard.ts';
import { inferSplits, shardFolders, type Splits } from './inferSplits.ts';

/** What is known of a dataset before its data is fetched. */
export interface DatasetListing {
  /** Of all files, with "/" between folders. */
  names: readonly string[];
  /** Its README.md. */
  card?: string | undefined;
  /** Whether these are files that the Hub has converted: `CONFIG/SPLIT/0000.parquet`. */
  isConverted?: boolean;
}

export interface DatasetConfig {
  name: string;
  /** Whether the card names it; otherwise the names of the files do. */
  isDeclared: boolean;
  /** Whether the card says that it is the one to take where none is named. */
  isDefault: boolean;
  splits: () => Map<string, DatasetSplit>;
}

export interface DatasetSplit {
  /** In the order of their names, of any format. */
  files: string[];
  /** Whether a file of this name would belong to it. */
  asksFor: (name: string) => boolean;
}

/** The name that the Hub gives the configuration of a dataset that has but one. */
const DEFAULT = 'default';

/**
 * @param dataset its name, for messages
 * @throws UserError for a card that cannot be read
 */
export function datasetConfigs(
  { names, card, isConverted = false }: DatasetListing,
  dataset: string,
): DatasetConfig[] {
  if (isConverted) return convertedConfigs(names);
  const declared = declaredConfigs(card, `${dataset}/README.md`);
  const rows = rowFiles(names);
  if (declared.length > 0) return declared.map((config) => configOf(config, names));
  const folders = shardFolders(rows).map((folder) => folderConfig(folder, rows));
  const isAllInFolders = folders.length > 0 && !rows.some((name) => /^data\/[^/]+-of-\d/.test(name));
  if (rows.length === 0 || isAllInFolders) return folders;
  return [inferredConfig(DEFAULT, () => inferSplits(rows)), ...folders];
}

/** A configuration by its name; where the card declares none, any folder is one. */
export function configNamed(
  name: string,
  { listing, configs }: { listing: DatasetListing; configs: readonly DatasetConfig[] },
): DatasetConfig | undefined {
  const found = configs.find((config) => config.name === name);
  if (found || listing.isConverted || configs.some(({ isDeclared }) => isDeclared)) return found;
  const rows = rowFiles(listing.names);
  const folder = [`${name}/`, `data/${name}/`].find((prefix) => rows.some((row) => row.startsWith(prefix)));
  return folder === undefined ? undefined : folderConfig(folder, rows);
}

/** The configuration to take where none is named: the only one, the one the card says, or "default". */
export function configUnnamed(configs: readonly DatasetConfig[]): DatasetConfig | undefined {
  if (configs.length === 1) return configs[0];
  return configs.find(({ isDefault }) => isDefault) ?? configs.find(({ name }) => name === DEFAULT);
}

function rowFiles(names: readonly string[]): string[] {
  return names.filter((name) => rowFormat(name) !== undefined && !isIncidental(name));
}

function configOf(
  { name, isDefault, folder, globs }: DeclaredConfig,
  names: readonly string[],
): DatasetConfig {
  const inferred = () => withoutGlobs(inFolder(folder, rowFiles(names), (below) => inferSplits(below)));
  const declared = () => new Map([...globs!].map(([split, own]) => [split, globbed(folder, own, names)]));
  return { name, isDeclared: true, isDefault, splits: globs ? declared : inferred };
}

/** The files that match a glob; what is no data by its name, only if that is given in full. */
function globbed(folder: string, globs: readonly string[], names: readonly string[]): DatasetSplit {
  const patterns = globs.map((glob) => globPattern(folder + glob));
  const asksFor = (name: string) =>
    patterns.some((pattern) => pattern.test(name)) &&
    (!isIncidental(name) || globs.some((glob) => folder + glob === name));
  const files = names.filter((name) => rowFormat(name) !== undefined && asksFor(name)).sort();
  return { files, asksFor };
}

function folderConfig(folder: string, rows: readonly string[]): DatasetConfig {
  const name = folder.replace(/^data\//, '').replace(/\/$/, '');
  return inferredConfig(name, () =>
    inFolder(folder, rows, (below) => inferSplits(below, { isFolder: true })),
  );
}

function inferredConfig(name: string, splits: () => Splits): DatasetConfig {
  return { name, isDeclared: false, isDefault: false, splits: () => withoutGlobs(splits()) };
}

/** What a rule says of the names below a folder, by their whole names. */
function inFolder(folder: string, rows: readonly string[], rule: (below: string[]) => Splits): Splits {
  const below = rows.filter((name) => name.startsWith(folder)).map((name) => name.slice(folder.length));
  return new Map([...rule(below)].map(([split, own]) => [split, own.map((name) => folder + name)]));
}

function withoutGlobs(splits: Splits): Map<string, DatasetSplit> {
  return new Map([...splits].map(([split, files]) => [split, { files, asksFor: () => true }]));
}

/** The folder of a split that the Hub has converted the beginning of. */
export const PARTIAL = /^[^/]+\/partial-[^/]+\//;

/** Of a dataset with very many files a split has several folders, the Hub's `SPLIT-part0` and on. */
function convertedConfigs(names: readonly string[]): DatasetConfig[] {
  const configs = new Map<string, Splits>();
  for (const name of [...names].sort()) {
    const [, config, split] =
      /^([^/]+)\/(?:partial-)?([^/]+?)(?:-part\d+)?\/[^/]+\.parquet$/.exec(name) ?? [];
    if (config === undefined || split === undefined) continue;
    const splits = configs.get(config) ?? (new Map() as Splits);
    configs.set(config, splits.set(split, [...(splits.get(split) ?? []), name]));
  }
  return [...configs].map(([name, splits]) => inferredConfig(name, () => splits));
}
