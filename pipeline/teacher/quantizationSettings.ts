// The teacher's `quantization_config` in config.json, in the form that hqq and transformers read: one setting for all
// linear layers, or one for each kind of layer, that is by its name without the number of its decoder layer
// ("self_attn.q_proj"). A kind whose layers differ among themselves cannot be said in it: then the first one's settings
// stand for the kind. That loses nothing, as the tensors of each layer hold its own settings, which both loaders heed.
import type { HqqOptions } from './quantizeHqq.ts';

/** @param options of each linear layer by name; undefined for those that are not quantized */
export function quantizationSettings(options: ReadonlyMap<string, HqqOptions | undefined>): object {
  const kinds = new Map<string, HqqOptions | undefined>([['lm_head', undefined]]); // there even where the head is tied
  for (const [module, own] of options) kinds.set(kindOf(module), kinds.get(kindOf(module)) ?? own);
  const quantized = [...kinds].flatMap(([kind, own]) => (own ? [[kind, settingsOf(own)] as const] : []));
  const distinct = new Set(quantized.map(([, settings]) => JSON.stringify(settings)));
  return {
    quant_method: 'hqq',
    quant_config: distinct.size === 1 ? quantized[0]![1] : Object.fromEntries(quantized),
    skip_modules: [...kinds].filter(([, own]) => !own).map(([kind]) => kind),
  };
}

/** What hqq calls a linear tag. */
export function kindOf(module: string): string {
  return module.replace(/^model\.layers\.\d+\./, '');
}

function settingsOf({ bits, groupSize, axis, optimize }: HqqOptions): object {
  return {
    weight_quant_params: {
      ...{ nbits: bits, channel_wise: true, group_size: groupSize, optimize },
      ...{ round_zero: bits === 4, axis, view_as_float: false },
    },
    scale_quant_params: null,
    zero_quant_params: null,
    offload_meta: false,
  };
}
