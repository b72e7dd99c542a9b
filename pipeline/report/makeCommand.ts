// The make commands that the report names, as they would be typed in a shell.
import type { Run } from './readRun.ts';

/** `make STAGE` for this run; `training` is RUN, and `args` the parameters that differ from the recipe. */
export function makeCommand(
  { recipe }: Pick<Run, 'recipe'>,
  stage: string,
  { training, args }: { training?: string | undefined; args?: string | undefined } = {},
): string {
  const variables = Object.entries({ RECIPE: recipe, RUN: training, ARGS: args });
  return [
    `make ${stage}`,
    ...variables.flatMap(([name, value]) => (value ? [`${name}=${quoted(value)}`] : [])),
  ].join(' ');
}

function quoted(text: string): string {
  return /^[\w./@:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
