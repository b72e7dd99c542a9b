// A student made from another model by leaving layers out: the tensors of the layers that are kept, renumbered.
// Training then mends what the missing layers did (compare "The Unreasonable Ineffectiveness of the Deeper Layers",
// arXiv 2403.17887). The folder is made once and lies in the cache under what it was made from.
import { cachedFolder } from '../artifact/cacheFolder.ts';
import { fingerprint } from '../artifact/fingerprint.ts';
import { UserError } from '../config/userError.ts';
import { modelFingerprint, openCheckpoint, writeCheckpoint, type Checkpoint } from './checkpoint.ts';
import { copyModelFiles } from './copyModelFiles.ts';
import type { TensorSource } from './safetensors.ts';

/** Raised whenever the same layers of the same model give another folder. */
const PRUNER_VERSION = 1;

/**
 * The model folder `source` with only the layers `keepLayers` (0-based, ascending), tokenizer and all.
 * @throws UserError for layers that the model does not have, or that are out of order.
 */
export async function prunedCheckpoint(source: string, keepLayers: readonly number[]): Promise<string> {
  const key = fingerprint([await modelFingerprint(source), [...keepLayers], PRUNER_VERSION]);
  return cachedFolder({ kind: 'pruned', key }, async (folder) => {
    const checkpoint = await openCheckpoint(source);
    try {
      checkLayers(keepLayers, checkpoint.config.numHiddenLayers);
      await writeCheckpoint(folder, { tensors: keptTensors(checkpoint, keepLayers) });
      await copyModelFiles({
        from: source,
        to: folder,
        change: (config) => prunedSettings(config, keepLayers),
      });
    } finally {
      await checkpoint.close();
    }
  });
}

function checkLayers(keepLayers: readonly number[], layers: number): void {
  const odd = keepLayers.find((layer, i) => layer >= layers || layer <= (keepLayers[i - 1] ?? -1));
  if (odd !== undefined || keepLayers.length === 0)
    throw new UserError({
      field: 'keep_layers',
      value: odd ?? keepLayers,
      problem: 'expected ascending layer numbers, each once',
      remedy: `the model has layers 0 to ${layers - 1}`,
    });
}

function keptTensors(checkpoint: Checkpoint, keepLayers: readonly number[]): TensorSource[] {
  return checkpoint.names().flatMap((name) => {
    const [, layer, rest] = /^model\.layers\.(\d+)(\..*)$/.exec(name) ?? [];
    const place = layer === undefined ? 0 : keepLayers.indexOf(Number(layer));
    if (place < 0) return [];
    const data = async () => (await checkpoint.read(name)).data;
    return [
      { ...checkpoint.info(name), name: layer === undefined ? name : `model.layers.${place}${rest}`, data },
    ];
  });
}

function prunedSettings(
  { layer_types: types }: Record<string, unknown>,
  keepLayers: readonly number[],
): Record<string, unknown> {
  const layerTypes = Array.isArray(types)
    ? { layer_types: keepLayers.map((layer) => types[layer] as unknown) }
    : {};
  return { num_hidden_layers: keepLayers.length, ...layerTypes };
}
