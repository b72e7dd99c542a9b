// Which modules of a model a glob of train.yaml means: it is held against the whole name, or its end after some dot, so
// `q_proj` is that projection of every layer and `model.layers.0.*` all of the first layer.
import { globPattern } from '../config/globPattern.ts';
import { nearest } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';

/** @throws UserError naming the key `field` when `glob` matches none of `modules`. */
export function matchingModules(glob: string, modules: readonly string[], field: string): string[] {
  const [whole, end] = [globPattern(glob), globPattern(`*.${glob}`)];
  const matches = modules.filter((module) => whole.test(module) || end.test(module));
  if (matches.length > 0) return matches;
  const known = [...new Set(modules.map((module) => module.slice(module.lastIndexOf('.') + 1)))];
  const near = nearest(glob, known);
  throw new UserError({
    ...{ file: 'train.yaml', field, value: glob, problem: 'matches no module of the student' },
    remedy: near ? `did you mean "${near}"?` : `known modules: ${known.join(', ')}`,
  });
}
