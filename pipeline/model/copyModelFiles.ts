// What a model made from another one takes over from it: tokenizer, chat template and generation settings as they are,
// and config.json with the settings in which they differ. Weights are the maker's own business.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commitBytes, type FileRecord } from '../artifact/commitFile.ts';
import { commitJson, readJsonObject } from '../artifact/jsonFile.ts';

type Settings = Record<string, unknown>;

/** True for a file of a model folder that goes with every model made from it. */
export function isCarriedFile(name: string): boolean {
  return (
    /^(tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|generation_config)\.json$/.test(
      name,
    ) || /^(merges\.txt|chat_template\.jinja|tokenizer\.model)$/.test(name)
  );
}

/**
 * Commits config.json and the carried files of the model folder `from` in `to`.
 * @param change the settings that differ, from those of `from`
 * @returns the records of all files written
 */
export async function copyModelFiles({
  from,
  to,
  change,
}: {
  from: string;
  to: string;
  change: (config: Settings) => Settings;
}): Promise<FileRecord[]> {
  const config = (await readJsonObject(join(from, 'config.json'))) ?? {};
  const records = [await commitJson(join(to, 'config.json'), { ...config, ...change(config) })];
  for (const name of (await readdir(from)).filter(isCarriedFile).sort())
    records.push(await commitBytes(join(to, name), await readFile(join(from, name))));
  return records;
}

/** The setting for the dtype of the weights, under the key that `config` has it: transformers 5 calls it `dtype`. */
export function dtypeSetting(config: Settings, dtype: 'float32' | 'bfloat16'): Settings {
  return { ['dtype' in config ? 'dtype' : 'torch_dtype']: dtype };
}
