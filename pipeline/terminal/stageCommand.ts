// The command line of a stage: folders as named options, every YAML key as a flag, and one boundary for errors.
// A UserError is printed as one line with exit code 1; anything else is a bug and keeps its stack trace.
import { resolve } from 'node:path';
import yargs, { type Options } from 'yargs';
import { hideBin } from 'yargs/helpers';
import { z } from 'zod';
import { withResourceUse } from '../artifact/resourceUse.ts';
import { flagOf, loadConfig, nearest, unwrap } from '../config/loadConfig.ts';
import { messageOf, UserError } from '../config/userError.ts';
import { openStageLog } from './stageLog.ts';
import { stackOf, stageProgress, type Progress } from './stageProgress.ts';

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
  /** What of the parameters can be refused at once beyond their schema. */
  check?: (config: z.infer<S>) => Promise<void>;
  /** Of its lines of progress, given its options (default: beside `--out`, named after it). */
  logFile?: (options: Given<O>) => string;
  /** @param progress shows a line on stderr, with the stage's name in front */
  run: (given: { config: z.infer<S>; options: Given<O>; progress: Progress }) => Promise<void> | void;
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
    if (given.check) return stage.check?.(config);
    const options = given as Given<O>;
    const logFile = stage.logFile?.(options) ?? (given.out === undefined ? undefined : logBeside(given.out));
    const log = logFile === undefined ? undefined : openStageLog(logFile, name);
    const { progress, logError, end } = stageProgress({ name, log });
    try {
      await withResourceUse(given.out, async () => stage.run({ config, options, progress }));
    } catch (error) {
      logError(error);
      throw error;
    } finally {
      end();
    }
  });
}

/** `data/runs/R/mix.log` for the folder `data/runs/R/mix`, `report.log` for the file `report.html`. */
function logBeside(out: string): string {
  return `${resolve(out).replace(/\.html$/, '')}.log`;
}

/** Runs `main`; a UserError ends the process with one line on stderr and exit code 1. */
export async function reportErrors(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`${name}: ${process.env.LOG_LEVEL === 'debug' ? stackOf(error) : messageOf(error)}`);
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
    .option('check', { describe: 'only see whether configuration and flags are right', type: 'boolean' })
    .options(Object.fromEntries(keys))
    .group(
      keys.map(([flag]) => flag),
      'Parameters (each overrides the key of the same name in --config):',
    )
    .strict()
    .version(false)
    .wrap(110)
    .fail((message, error) => {
      if (error instanceof Error) throw error;
      const known = [...Object.keys(own), ...keys.map(([flag]) => flag)];
      throw usageError(message, { script, known });
    })
    .parseAsync();
  return given as Record<string, string | undefined>;
}

/** In yargs's words, but for a flag that it does not know. */
function usageError(message: string, { script, known }: { script: string; known: string[] }): UserError {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1]?.split(', ')[0];
  const help = `run "${script} --help"`;
  if (unknown === undefined) return new UserError({ problem: message, remedy: help });
  const near = nearest(unknown, known);
  const remedy = near === undefined ? help : `did you mean "--${near}"?`;
  return new UserError({ field: `--${unknown}`, problem: 'unknown flag', remedy });
}

/** With `--check` the folders need not be named. */
function folderOptions(options: StageOptions): Record<string, Options> {
  const isCheck = process.argv.includes('--check');
  return Object.fromEntries(
    Object.entries(options).map(([option, { describe, required = false }]) => [
      option,
      { describe, type: 'string', demandOption: required && (option === 'config' || !isCheck) } as const,
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
