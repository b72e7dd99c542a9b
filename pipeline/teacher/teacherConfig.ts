// The parameters of the teacher stage (teacher.yaml): how each linear layer is quantized, and which stay bfloat16.
import { z } from 'zod';
import { globPattern } from '../config/globPattern.ts';
import type { HqqOptions } from './quantizeHqq.ts';

const bits = z.literal([8, 4, 3, 2, 1]).describe('bits of a code: 8, 4, 3, 2 or 1');
const groupSize = z
  .int()
  .positive()
  .describe('weights that share a scale and a zero point, a divisor of the size of every matrix');
const axis = z.literal([0, 1]).describe('1: groups lie along the rows of a matrix, 0: across them');
const optimize = z.boolean().describe("refine the zero points by HQQ's solver; false: round to nearest");

export const teacherConfig = z
  .strictObject({
    bits: bits.default(4),
    group_size: groupSize.default(64),
    axis: axis.default(1),
    optimize: optimize.default(true),
    skip: z
      .array(z.string())
      .default(['lm_head'])
      .describe('linear layers left in bfloat16, as globs over module names'),
    modules: z
      .record(
        z.string(),
        z.strictObject({
          bits: bits.optional(),
          group_size: groupSize.optional(),
          axis: axis.optional(),
          optimize: optimize.optional(),
        }),
      )
      .default({})
      .describe('other parameters for some layers, by globs over module names; the last match counts'),
  })
  .describe('how the teacher is quantized');

export type TeacherConfig = z.infer<typeof teacherConfig>;

/** How the module is quantized, or undefined if it is skipped. */
export function optionsOf(config: TeacherConfig, module: string): HqqOptions | undefined {
  if (config.skip.some((glob) => globPattern(glob).test(module))) return undefined;
  const own = Object.entries(config.modules).findLast(([glob]) => globPattern(glob).test(module))?.[1];
  return {
    bits: own?.bits ?? config.bits,
    groupSize: own?.group_size ?? config.group_size,
    axis: own?.axis ?? config.axis,
    optimize: own?.optimize ?? config.optimize,
  };
}

/** A glob of `modules` that fits none of these names, or undefined. */
export function idleOverride({ modules }: TeacherConfig, names: Iterable<string>): string | undefined {
  const all = [...names];
  return Object.keys(modules).find((glob) => !all.some((name) => globPattern(glob).test(name)));
}
