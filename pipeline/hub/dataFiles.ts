// Which files of a dataset hold its rows: repositories also hold cards, scripts, and JSON that is no data.
import { globPattern } from '../config/globPattern.ts';

/** Of the file names (with "/" between folders) those of data files that match the glob, in order. */
export function dataFiles(names: readonly string[], glob = '**'): string[] {
  const pattern = globPattern(glob);
  return names.filter((name) => isDataFile(name) && pattern.test(name)).sort();
}

function isDataFile(name: string): boolean {
  return (
    /\.(parquet|(json|jsonl|ndjson)(\.gz|\.zst)?)$/.test(name) && !/(^|\/)dataset_infos?\.json$/.test(name)
  );
}
