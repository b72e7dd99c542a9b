// What a stage takes on this machine and on a named GPU: its work of each kind over the rate of that kind. Here the rates
// are measured (measuredRates.ts); of those of products and of HQQ's solver a stage reaches a share, measured with the
// embedded recipe. On a GPU nothing has been measured: its rates are a data sheet's, and its share is machines.yaml's.
import type { Machines } from './machines.ts';
import type { Rates } from './measuredRates.ts';
import type { PlannedStage } from './planFile.ts';

/** The work of a stage, of all models that it runs. */
export interface Work {
  /** FLOP of products with weights and in attention. */
  flops: number;
  /** Weights that HQQ's solver goes over. */
  quantized?: number;
  /** Logits of two models that are compared in float32. */
  compared?: number;
  /** Bytes of weights that passes of generation read, each of them all. */
  weightBytes?: number;
}

/**
 * Of the rate of large products, and with the teacher of HQQ's solver on a large matrix, what a stage reaches. Teacher: 0.6
 * on two quiet cores with AVX2, as it has smaller matrices too, and reads and writes. The others: between what these gave
 * (logits 0.66, train 0.60, eval 0.60, measured) and two with AVX-512 in bfloat16 (0.96, 0.60, 0.75, worked back from logs).
 */
const SHARE_HERE: Record<PlannedStage, number> = { teacher: 0.6, logits: 0.8, train: 0.6, eval: 0.63 };
/** Node, TensorFlow and the weights of a small model, before and after the work, in seconds. */
const START_SECONDS: Record<PlannedStage, number> = { teacher: 3, logits: 4, train: 5, eval: 8 };

/** Bytes that HQQ's solver moves for a weight: 20 passes of a few float32 tensors in composed ops. */
const SOLVER_BYTES = 20 * 10 * 4;
/** Bytes that comparing moves for a logit, see divergencesBetween. */
const COMPARED_BYTES = 14 * 4;

/** Seconds on the machine that these rates were measured on. */
export function secondsHere(stage: PlannedStage, work: Work, rates: Rates): number {
  const share = SHARE_HERE[stage];
  const reached = { ...rates, flops: share * rates.flops, quantized: share * rates.quantized };
  return START_SECONDS[stage] + secondsOf(work, reached);
}

/** Seconds on a named GPU; what it takes to load is not counted. */
export function secondsOnGpu(work: Work, gpu: Machines['gpus'][string], shareOfPeak: number): number {
  const bandwidth = 1e9 * gpu.bandwidth_gb_per_second;
  return secondsOf(work, {
    flops: shareOfPeak * 1e12 * gpu.tflops,
    quantized: bandwidth / SOLVER_BYTES,
    compared: bandwidth / COMPARED_BYTES,
    weightBytes: bandwidth,
  });
}

function secondsOf({ flops, quantized = 0, compared = 0, weightBytes = 0 }: Work, rates: Rates): number {
  return (
    flops / rates.flops +
    quantized / rates.quantized +
    compared / rates.compared +
    weightBytes / rates.weightBytes
  );
}
