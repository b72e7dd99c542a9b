// A stage's parameters: the recipe's YAML file, overridden by command-line flags, checked by one zod schema.
// The schema is the only list of keys: it gives the checks, the defaults, the help text and the flags.
import { readFile } from 'node:fs/promises';
import { distance } from 'fastest-levenshtein';
import { parse } from 'yaml';
import { z } from 'zod';
import { hasCode, UserError } from './userError.ts';

/**
 * The parameters of a stage, with every default filled in.
 * @param overrides flags by YAML key; their text is read as YAML, so `5e-5`, `true` and `[a, b]` mean what they do in the
 * file. A list may also be given as `a,b`.
 * @throws UserError naming file (or flag), key, value and remedy.
 */
export async function loadConfig<S extends z.ZodObject>(
  schema: S,
  { file, overrides = {} }: { file: string; overrides?: Record<string, string> },
): Promise<z.infer<S>> {
  const fromFile = await readYaml(file);
  const fromFlags = Object.fromEntries(
    Object.entries(overrides).map(([key, text]) => [key, parseFlag(text, key, schema)]),
  );
  return validate(schema, { ...fromFile, ...fromFlags }, (key) =>
    key && key in overrides ? flagOf(key) : file,
  );
}

/** Checks `value` against a schema; the first fault becomes a UserError. `source` names where a top-level key came from. */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  source: (key?: string) => string,
): z.infer<S> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const { issues } = result.error; // a misspelt key is also a missing one
  const issue = deepest(issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!);
  const file = source(issue.path[0]?.toString());
  if (issue.code === 'unrecognized_keys') throw unknownKey(schema, issue.path, issue.keys[0]!, file);
  throw new UserError({
    file,
    field: issue.path.join('.'),
    value: issue.code === 'custom' ? memberAt(value, issue.path) : issue.input, // a check of several keys has them all
    problem: issue.input === undefined ? 'missing' : issue.message.replace(/^Invalid input: /, ''),
  });
}

/** The flag that overrides a YAML key: `learning_rate` is `--learning-rate`. */
export function flagOf(key: string): string {
  return `--${key.replaceAll('_', '-')}`;
}

/** The member of `known` nearest to `word`, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((name) => ({ name, edits: distance(word, name) }))
    .sort((a, b) => a.edits - b.edits);
  return ranked[0] && ranked[0].edits <= Math.max(2, word.length / 2) ? ranked[0].name : undefined;
}

function memberAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((member, key) => (member as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

type Issue = z.core.$ZodIssue;

/** Of a union's complaints, that of the alternative that was meant: it knows the most keys, and then got furthest. */
function deepest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue;
  const isKey = ({ code }: Issue) => code === 'unrecognized_keys';
  const strangers = (of: Issue) => (of.code === 'unrecognized_keys' ? of.keys.length : 0);
  const candidates = issue.errors.flatMap((errors) => errors.find(isKey) ?? errors.slice(0, 1)).map(deepest);
  const [meant] = candidates
    .filter((candidate) => candidate.path.length > 0 || isKey(candidate))
    .sort((a, b) => strangers(a) - strangers(b) || b.path.length - a.path.length);
  return meant ? { ...meant, path: [...issue.path, ...meant.path] } : issue;
}

function unknownKey(schema: z.ZodType, path: PropertyKey[], key: string, file: string): UserError {
  const known = knownKeys(schema, path);
  const near = nearest(key, known);
  const remedy = near ? `did you mean "${near}"?` : `known keys: ${known.join(', ')}`;
  return new UserError({ file, field: [...path, key].join('.'), problem: 'unknown key', remedy });
}

function knownKeys(schema: z.ZodType, path: PropertyKey[]): string[] {
  let node: z.ZodType | undefined = unwrap(schema);
  for (const step of path) {
    if (node instanceof z.ZodObject) node = unwrap(node.shape[String(step)] as z.ZodType);
    else if (node instanceof z.ZodArray) node = unwrap(node.element as z.ZodType);
    else if (node instanceof z.ZodRecord) node = unwrap(node.valueType as z.ZodType);
    else return [];
  }
  const options = node instanceof z.ZodUnion ? (node.options as z.ZodType[]).map(unwrap) : [node];
  return options.flatMap((option) => (option instanceof z.ZodObject ? Object.keys(option.shape) : []));
}

/** The schema inside defaults and optionals. */
export function unwrap(schema: z.ZodType): z.ZodType {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodPrefault
  )
    return unwrap(schema.unwrap() as z.ZodType);
  return schema;
}

/** Reads a YAML file into a plain object. */
async function readYaml(file: string): Promise<Record<string, unknown>> {
  const value = parseYaml(await readText(file), file);
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw new UserError({
      file,
      problem: 'expected "key: value" lines',
      remedy: 'see data/recipes/smollm2 for an example',
    });
  return value as Record<string, unknown>;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR'))
      throw new UserError(
        { file, problem: 'no such file', remedy: 'see data/recipes for the recipes there are' },
        { cause: error },
      );
    throw error;
  }
}

function parseFlag(text: string, key: string, { shape }: z.ZodObject): unknown {
  const value = parseYaml(text, flagOf(key));
  const isList = unwrap(shape[key] as z.ZodType) instanceof z.ZodArray;
  return isList && !Array.isArray(value)
    ? text.split(',').map((part) => parseYaml(part, flagOf(key)))
    : value;
}

/** Whatever the parser throws is about the text: besides syntax, aliases that lead nowhere or unfold without end. */
function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text, { logLevel: 'error' });
  } catch (error) {
    const [problem] = (error as Error).message.split('\n');
    throw new UserError({ file, problem: problem! }, { cause: error });
  }
}
