// The defaults of a stage's YAML keys, as its schema states them.
import type { z } from 'zod';
import type { Json } from '../artifact/fingerprint.ts';

/** By key; a key without a default is left out. */
export function defaultsOf(schema: z.ZodObject): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(schema.shape).flatMap(([key, value]) => {
      const standard = (value as z.ZodType).safeParse(undefined).data as Json | undefined;
      return standard === undefined ? [] : [[key, standard]];
    }),
  );
}
