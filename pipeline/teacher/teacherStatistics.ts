// What quantization cost: figures of every linear layer as the manifest of a teacher holds them, and their summary by
// kind of layer for people, as a model has hundreds of layers of a handful of kinds.
import { kindOf } from './quantizationSettings.ts';

/** What became of one linear layer; the error is relative, in the Frobenius norm. */
export type LayerQuality = {
  bits: number;
  group_size: number;
  weights: number;
  /** Of codes, scales and zero points. */
  bytes: number;
  relative_error: number;
};

/** The statistics in the manifest of a teacher. */
export type TeacherStatistics = {
  /** By the layer's name in the checkpoint. */
  modules: Record<string, LayerQuality>;
  total: {
    quantized_weights: number;
    bits_per_weight: number;
    mean_relative_error: number;
    max_relative_error: number;
    /** Of all tensors, those left in bfloat16 included. */
    bytes: number;
  };
};

/** All layers of one kind together; `bits` and `group_size` list the values that occur. */
export type KindQuality = {
  layers: number;
  bits: string;
  group_size: string;
  weights: number;
  bytes: number;
  mean_relative_error: number;
  max_relative_error: number;
};

/** @param bytes of all tensors of the teacher */
export function teacherStatistics(modules: Record<string, LayerQuality>, bytes: number): TeacherStatistics {
  const all = summaryOf(Object.values(modules));
  return {
    modules,
    total: {
      quantized_weights: all.weights,
      bits_per_weight: (8 * all.bytes) / all.weights,
      mean_relative_error: all.mean_relative_error,
      max_relative_error: all.max_relative_error,
      bytes,
    },
  };
}

/** The layers by their name within a decoder layer, in the order in which these first occur. */
export function qualityByKind(modules: Record<string, LayerQuality>): Record<string, KindQuality> {
  const kinds = new Map<string, LayerQuality[]>();
  for (const [name, layer] of Object.entries(modules)) {
    const kind = kindOf(name);
    kinds.set(kind, [...(kinds.get(kind) ?? []), layer]);
  }
  return Object.fromEntries([...kinds].map(([kind, layers]) => [kind, summaryOf(layers)]));
}

function summaryOf(layers: readonly LayerQuality[]): KindQuality {
  const values = (key: keyof LayerQuality) => layers.map((layer) => layer[key]);
  const sum = (key: keyof LayerQuality) => values(key).reduce((total, value) => total + value, 0);
  const distinct = (key: keyof LayerQuality) => [...new Set(values(key))].join(', ');
  return {
    layers: layers.length,
    bits: distinct('bits'),
    group_size: distinct('group_size'),
    weights: sum('weights'),
    bytes: sum('bytes'),
    mean_relative_error: sum('relative_error') / layers.length,
    max_relative_error: Math.max(...values('relative_error')),
  };
}
