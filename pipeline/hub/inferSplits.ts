// The splits of a dataset whose card does not name them, by the names of its files, with the rules of Python's `datasets`:
// shards data/SPLIT-00000-of-00003.parquet if there are any, else folders that are named for a split, else file names that
// hold a split's name, else all of it is "train". The first rule that finds any split decides alone.

/** The files of each split, in order. */
export type Splits = Map<string, string[]>;

const KEYWORDS = {
  train: ['train', 'training'],
  validation: ['validation', 'valid', 'dev', 'val'],
  test: ['test', 'testing', 'eval', 'evaluation'],
};
const BESIDE = '[-._ 0-9]';
const NAMED_FOR = Object.entries(KEYWORDS).map(
  ([split, words]) =>
    [split, new RegExp(`(^|${BESIDE})(${words.join('|')})($|${BESIDE})`)] as [string, RegExp],
);

/** `FOLDER/SPLIT-00000-of-00003…` */
const SHARD = /^(?<folder>(?:.*\/)?)(?<split>[^/]+?)-\d{5}-of-\d{5}[^/]*$/;

/**
 * @param names of files that hold rows, below the folder of the configuration
 * @param options.isFolder whether that folder stands for a configuration by its name alone: shards at its top count, too
 */
export function inferSplits(
  names: readonly string[],
  { isFolder = false }: { isFolder?: boolean } = {},
): Splits {
  if (names.length === 0) return new Map();
  const rules = [
    () => shardsIn('data/', names),
    () => (isFolder ? namedShards(names) : new Map<string, string[]>()),
    () => byKeyword(names, (name) => name.split('/').slice(0, -1)),
    () => byKeyword(names, (name) => name.split('/').slice(-1)),
    () => new Map([['train', [...names].sort()]]),
  ];
  return rules.map((rule) => rule()).find((splits) => splits.size > 0)!;
}

/** Whether a folder or file is named for train, validation or test. */
export function isNamedForSplit(name: string): boolean {
  return NAMED_FOR.some(([, pattern]) => pattern.test(name));
}

/** The folders that shards of a split lie in, which make each of them a configuration: `v1` of `v1/train-00000-of-00003…`. */
export function shardFolders(names: readonly string[]): string[] {
  const folders = names.flatMap((name) => {
    const { folder, split } = SHARD.exec(name)?.groups ?? {};
    const [, own] = /^(?:data\/)?([^/]+)\/$/.exec(folder ?? '') ?? [];
    return own && own !== 'data' && isNamedForSplit(split!) && !isNamedForSplit(own) ? [folder!] : [];
  });
  return [...new Set(folders)].sort();
}

function shardsIn(folder: string, names: readonly string[]): Splits {
  const splits: Splits = new Map();
  for (const name of [...names].sort()) {
    const shard = SHARD.exec(name)?.groups;
    if (shard?.folder === folder) splits.set(shard.split!, [...(splits.get(shard.split!) ?? []), name]);
  }
  return splits;
}

/** Shards of which none is named for a split are parts of one whole, as `part-00000-of-00100`. */
function namedShards(names: readonly string[]): Splits {
  const splits = shardsIn('', names);
  return [...splits.keys()].some(isNamedForSplit) ? splits : new Map<string, string[]>();
}

function byKeyword(names: readonly string[], partsOf: (name: string) => string[]): Splits {
  const found = NAMED_FOR.map(([split, pattern]) => {
    const own = names.filter((name) => partsOf(name).some((part) => pattern.test(part)));
    return [split, own.sort()] as const;
  });
  return new Map(found.filter(([, own]) => own.length > 0));
}
