// The command line of a stage: folders as named options, every YAML key as a flag, and one boundary for errors.
// A UserError is printed as one line with exit code 1; anything else is a bug and keeps its stack trace.
import yargs, { type Options } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import { withResourceUse } from '../artifact/resourceUse.ts';
import { flagOf, loadConfig, unwrap } from '../config/loadConfig.ts';
import { messageOf, UserError } from '../config/userError.ts';

/** Options of a stage beside its YAML keys: `--mix DIR` and the like. */
type StageOptions = Record<string, { describe: string; required?: true }>;

type Given<O extends StageOptions> = {
  [K in keyof O]: O[K] extends { required: true } ? string : string | undefined;
};

interface Stage<O extends StageOptions, S extends z.ZodObject> {
  name: string;
  summary: string;
  options: O;
  /** Of the YAML file given with `--config`; a stage without parameters has neither. */
  schema?: S;
  /** @param progress prints a line to stderr, with the stage's name in front */
  run: (given: {
    config: z.infer<S>;
    options: Given<O>;
    progress: (line: string) => void;
  }) => Promise<void> | void;
}

/** Parses the command line, loads the configuration and runs the stage. */
export async function stageCommand<O extends StageOptions, S extends z.ZodObject>(
  stage: Stage<O, S>,
): Promise<void> {
  const { name, schema } = stage;
  await reportErrors(name, async () => {
    const given = await parseArguments(stage);
    const flags = Object.keys(schema?.shape ?? {}).flatMap((key) => {
      const value = given[flagOf(key).slice(2)];
      return value === undefined ? [] : [[key, value] as const];
    });
    const config = schema
      ? await loadConfig(schema, { file: given.config!, overrides: Object.fromEntries(flags) })
      : ({} as z.infer<S>);
    const progress = (line: string) => console.error(`${name}: ${line}`);
    await withResourceUse(given.out, async () => stage.run({ config, options: given as Given<O>, progress }));
  });
}

/** Runs `main`; a UserError ends the process with one line on stderr and exit code 1. */
export async function reportErrors(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`${name}: ${messageOf(error)}`);
    process.exitCode = 1;
  }
}

/** Flags mean what is written: no numbers, nesting, lists or negations of yargs's own. */
const LITERAL = {
  'camel-case-expansion': false,
  'duplicate-arguments-array': false,
  'dot-notation': false,
  'parse-numbers': false,
  'boolean-negation': false,
};

/** The values of all options and flags as text, by their names without dashes in front. */
async function parseArguments<O extends StageOptions, S extends z.ZodObject>({
  name,
  summary,
  options,
  schema,
}: Stage<O, S>): Promise<Record<string, string | undefined>> {
  const script = `stages/${name}.ts`;
  const own: StageOptions = {
    ...(schema && { config: { describe: 'YAML file with the parameters below', required: true } }),
    ...options,
  };
  const keys = Object.entries(schema?.shape ?? {}).map(
    ([key, value]) => [flagOf(key).slice(2), keyOption(value as z.ZodType)] as const,
  );
  const given: Record<string, unknown> = await yargs(hideBin(process.argv))
    .scriptName(script)
    .usage(`$0 ${usageOf(own)}${schema ? ' [--KEY VALUE]' : ''}\n\n${summary}`)
    .parserConfiguration(LITERAL)
    .options(folderOptions(own))
    .options(Object.fromEntries(keys))
    .group(
      keys.map(([flag]) => flag),
      'Parameters (each overrides the key of the same name in --config):',
    )
    .strict()
    .version(false)
    .wrap(110)
    .fail((message, error) => {
      throw error instanceof Error
        ? error
        : new UserError({ problem: message, remedy: `run "${script} --help"` });
    })
    .parseAsync();
  return given as Record<string, string | undefined>;
}

function folderOptions(options: StageOptions): Record<string, Options> {
  return Object.fromEntries(
    Object.entries(options).map(([option, { describe, required = false }]) => [
      option,
      { describe, type: 'string', demandOption: required } as const,
    ]),
  );
}

function keyOption(schema: z.ZodType): Options {
  const fallback = schema instanceof z.ZodDefault ? JSON.stringify(schema.def.defaultValue) : undefined;
  const inner = unwrap(schema);
  const choices = inner instanceof z.ZodEnum ? `one of ${inner.options.join(', ')}` : undefined;
  const notes = [choices, fallback && `default ${fallback}`].filter(Boolean).join('; ');
  return {
    describe: [schema.description ?? inner.description, notes && `(${notes})`].filter(Boolean).join(' '),
    type: 'string',
  };
}

function usageOf(options: StageOptions): string {
  return Object.entries(options)
    .map(([option, { required }]) => (required ? `--${option} PATH` : `[--${option} VALUE]`))
    .join(' ');
}
