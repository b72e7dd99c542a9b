// The command line of a stage: folders as named options, every YAML key as a flag, and one boundary for errors.
// A UserError is printed as one line with exit code 1; anything else is a bug and keeps its stack trace.
import yargs, { type Options } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import { flagOf, loadConfig, unwrap } from './loadConfig.ts';
import { messageOf, UserError } from './userError.ts';

/** Options of a stage beside its YAML keys: `--mix DIR` and the like. */
export type StageOptions = Record<string, { describe: string; required?: boolean; default?: string }>;

type Arguments<O extends StageOptions> = {
  [K in keyof O]: O[K] extends { required: true } | { default: string } ? string : string | undefined;
};

/**
 * Parses the command line, loads the configuration and runs the stage.
 * @param schema zod schema of the YAML file given with `--config`; leave it out for a stage without parameters.
 */
export async function stageCommand<O extends StageOptions, S extends z.ZodObject>({
  name,
  summary,
  options,
  schema,
  run,
}: {
  name: string;
  summary: string;
  options: O;
  schema: S;
  run: (given: { config: z.infer<S>; options: Arguments<O> }) => Promise<void>;
}): Promise<void> {
  await reportErrors(name, async () => {
    const keys = Object.keys(schema.shape);
    const given = await yargs(hideBin(process.argv))
      .scriptName(`stages/${name}.ts`)
      .usage(`$0 ${usageOf(options)} [--KEY VALUE]\n\n${summary}`)
      .parserConfiguration({
        'camel-case-expansion': false,
        'duplicate-arguments-array': false,
        'dot-notation': false,
        'parse-numbers': false,
        'boolean-negation': false,
      })
      .options({
        config: { describe: 'YAML file with the parameters below', type: 'string', demandOption: true },
      })
      .options(folderOptions(options))
      .options(
        Object.fromEntries(
          keys.map((key) => [flagOf(key).slice(2), keyOption(schema.shape[key] as z.ZodType)]),
        ),
      )
      .group(
        keys.map((key) => flagOf(key).slice(2)),
        'Parameters (each overrides the key of the same name in --config):',
      )
      .strict()
      .version(false)
      .wrap(110)
      .fail((message, error) => {
        throw error instanceof Error
          ? error
          : new UserError({ problem: message, remedy: `run "stages/${name}.ts --help"` });
      })
      .parseAsync();
    const flags = keys.flatMap((key) => {
      const value = given[flagOf(key).slice(2)];
      return value === undefined ? [] : [[key, String(value)] as const];
    });
    const config = await loadConfig(schema, {
      file: String(given.config),
      overrides: Object.fromEntries(flags),
    });
    await run({ config, options: given as unknown as Arguments<O> });
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

function folderOptions(options: StageOptions): Record<string, Options> {
  return Object.fromEntries(
    Object.entries(options).map(([option, { describe, required, default: fallback }]) => [
      option,
      {
        describe,
        type: 'string',
        demandOption: required ?? false,
        ...(fallback === undefined ? {} : { default: fallback }),
      } as const,
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
  return [
    '--config FILE',
    ...Object.entries(options).map(([option, { required }]) =>
      required ? `--${option} PATH` : `[--${option} VALUE]`,
    ),
  ].join(' ');
}
