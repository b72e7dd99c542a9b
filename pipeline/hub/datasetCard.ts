// The configurations that the card of a dataset declares: `configs` in the YAML at the top of README.md, in the forms that
// Python's `datasets` reads (huggingface.co/docs/hub/datasets-manual-configuration).
import { parse } from 'yaml';
import { z } from 'zod';
import { validate } from '../config/loadConfig.ts';
import { messageOf, UserError } from '../config/userError.ts';

/** A configuration as the card declares it. */
export interface DeclaredConfig {
  name: string;
  isDefault: boolean;
  /** What the globs are relative to, with "/" at its end; "" is the repository. */
  folder: string;
  /** The globs of each split; undefined: the names of the files tell. */
  globs: Map<string, string[]> | undefined;
}

const text = z.union([z.string(), z.number()]).transform(String); // a year is a number in YAML
const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((paths) => [paths].flat());
const configSchema = z.object({
  config_name: text,
  data_files: z
    .union([z.string(), z.array(z.union([z.string(), z.object({ split: text, path: oneOrMore })]))])
    .nullish(),
  data_dir: z.string().nullish(),
  default: z.boolean().nullish(),
});
const cardSchema = z.object({ configs: z.array(configSchema).nullish() });

/**
 * @param file the card, for messages
 * @returns none when the card declares none
 * @throws UserError for a declaration that cannot be read
 */
export function declaredConfigs(card: string | undefined, file: string): DeclaredConfig[] {
  const [, front] = /^\uFEFF?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)/s.exec(card ?? '') ?? [];
  if (front === undefined || !/^configs[ \t]*:/m.test(front)) return [];
  const { configs } = validate(cardSchema, parseFront(front, file), () => file);
  return (configs ?? []).map(({ config_name, data_files, data_dir, default: isDefault }) => ({
    name: config_name,
    isDefault: isDefault ?? false,
    folder: folderOf(data_dir ?? ''),
    globs: data_files == null ? undefined : globsOf(data_files),
  }));
}

function parseFront(front: string, file: string): unknown {
  try {
    return parse(front, { logLevel: 'error' });
  } catch (error) {
    const remedy = 'mend it, or name the files you want: files: "**/*.parquet"';
    throw new UserError(
      { file, problem: `its YAML cannot be read: ${messageOf(error)}`, remedy },
      { cause: error },
    );
  }
}

/** What is not given to a split belongs to "train". */
function globsOf(given: NonNullable<z.infer<typeof configSchema>['data_files']>): Map<string, string[]> {
  const globs = new Map<string, string[]>();
  for (const entry of [given].flat()) {
    const { split, path } = typeof entry === 'string' ? { split: 'train', path: [entry] } : entry;
    globs.set(split, [...(globs.get(split) ?? []), ...path.map(plainPath)]);
  }
  return globs;
}

function folderOf(path: string): string {
  const plain = plainPath(path).replace(/\/+$/, '');
  return plain === '' || plain === '.' ? '' : `${plain}/`;
}

function plainPath(path: string): string {
  return path.replace(/^(\.?\/)+/, '');
}
