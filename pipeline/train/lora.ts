// Low-rank adapters of a student (arXiv 2106.09685) as PEFT sets them up: A Kaiming-uniform with a = √5, which is
// uniform within 1/√in, and B zero, so that training starts from the model as it is. They are float32 masters like
// any trained parameter; the model itself is frozen, in the precision of the products alone.
import { z } from 'zod';
import type { Linear } from '../engine/linear.ts';
import { statelessUniform } from '../engine/statelessUniform.ts';
import { tf } from '../engine/tensorflow.ts';
import type { Decoder } from '../model/decoder.ts';
import { PROJECTIONS } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { matchingModules } from './matchingModules.ts';

const SEVEN = Object.values(PROJECTIONS).map((module) => module.slice(module.indexOf('.') + 1));

/** The key `lora` of train.yaml. */
export const loraConfig = z.strictObject({
  rank: z.int().positive().describe('rank of each adapter'),
  alpha: z.number().positive().describe('the adapter counts alpha / rank times'),
  dropout: z.number().min(0).lt(1).default(0).describe("part of the adapter's input set to zero in training"),
  targets: z
    .array(z.string())
    .min(1)
    .default(SEVEN)
    .describe('globs over the projections that are adapted, by default all seven'),
});

export type LoraConfig = z.infer<typeof loraConfig>;

/** What an adapter's product is multiplied by. */
export function loraScale({ rank, alpha }: Pick<LoraConfig, 'rank' | 'alpha'>): number {
  return alpha / rank;
}

/** The projections that `targets` match, by name. @throws UserError for a target that matches none */
export function adaptedProjections(
  { numHiddenLayers }: Pick<ModelConfig, 'numHiddenLayers'>,
  { targets }: LoraConfig,
): Set<string> {
  const names = Array.from({ length: numHiddenLayers }, (_, i) =>
    Object.values(PROJECTIONS).map((module) => `model.layers.${i}.${module}`),
  ).flat();
  return new Set(targets.flatMap((glob) => matchingModules(glob, names, 'lora.targets')));
}

/** Gives the projections `adapted` their adapters. */
export function attachAdapters(
  decoder: Pick<Decoder, 'layers'>,
  adapted: Set<string>,
  { rank, alpha, dropout, seed }: Omit<LoraConfig, 'targets'> & { seed: number },
): void {
  for (const [index, [name, projection]] of namedProjections(decoder).entries()) {
    if (!adapted.has(name)) continue;
    if (projection.weight.kind === 'packed') throw new Error('a student in training has plain weights');
    const [outputs, inputs] = projection.weight.values.shape as [number, number];
    const bound = 1 / Math.sqrt(inputs);
    const down = tf.tidy(() =>
      statelessUniform([rank, inputs], [seed, index])
        .mul(2 * bound)
        .sub(bound),
    );
    projection.adapter = {
      down: { values: down, trainable: true },
      up: { values: tf.zeros([outputs, rank]), trainable: true },
      ...{ scale: loraScale({ rank, alpha }), dropout, index },
    };
  }
}

/** The projections of all layers under their names in a checkpoint. */
function namedProjections({ layers }: Pick<Decoder, 'layers'>): [string, Linear][] {
  const roles = Object.entries(PROJECTIONS) as [keyof typeof PROJECTIONS, string][];
  return layers.flatMap((layer, i) =>
    roles.map(([role, module]): [string, Linear] => [`model.layers.${i}.${module}`, layer[role]]),
  );
}
