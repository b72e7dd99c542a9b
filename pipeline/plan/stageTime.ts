// What a stage takes on this machine and on a named GPU: its FLOP over the share of the rate of matrix products that it
// reaches, and what is bound by something else. Here the rate is measured (matmulRate.ts), and so are the shares, by the
// embedded recipe alone on two quiet cores. On a GPU nothing has been measured: shares are machines.yaml's.
import type { Machines } from './machines.ts';
import type { PlannedStage } from './planFile.ts';

/** The work of a stage, of all models that it runs. */
export interface Work {
  /** Of products with weights and in attention. */
  flops: number;
  /** Weights that HQQ's solver goes over. */
  quantized?: number;
  /** Logits of two models that are compared in float32. */
  compared?: number;
  /** Passes of generation, each reading `weightBytes`. */
  passes?: number;
  weightBytes?: number;
}

/** FLOP/s of the machine that the figures below were measured on; what is no product is taken to scale with it. */
const RATE_MEASURED_AT = 6.3e11;

/** Of the rate of square bfloat16 products, what useful products reach: measured. */
const SHARE_HERE: Record<PlannedStage, number> = { teacher: 1, logits: 0.89, train: 0.81, eval: 0.85 };
/** Node, TensorFlow and the weights of a small model, before and after the work, in seconds: measured. */
const START_SECONDS: Record<PlannedStage, number> = { teacher: 1, logits: 3, train: 4, eval: 6 };
/** Of HQQ's solver and of composed float32 ops over logits, on two cores: measured. */
const QUANTIZED_PER_SECOND = 3.2e7;
const COMPARED_PER_SECOND = 1.2e7;
/** Bytes of weights that a pass of generation reads in a second: assumed, a little under what two channels of memory give. */
const BANDWIDTH_HERE = 1e10;

/** Bytes that HQQ's solver moves for a weight: 20 passes of a few float32 tensors in composed ops. */
const SOLVER_BYTES = 20 * 10 * 4;
/** Bytes that comparing moves for a logit, see divergencesBetween. */
const COMPARED_BYTES = 14 * 4;

/** Seconds on this machine. @param rate FLOP/s of square bfloat16 products */
export function secondsHere(stage: PlannedStage, work: Work, rate: number): number {
  const { flops, quantized = 0, compared = 0, passes = 0, weightBytes = 0 } = work;
  const others = START_SECONDS[stage] + quantized / QUANTIZED_PER_SECOND + compared / COMPARED_PER_SECOND;
  return (
    flops / (SHARE_HERE[stage] * rate) +
    (passes * weightBytes) / BANDWIDTH_HERE +
    (others * RATE_MEASURED_AT) / rate
  );
}

/** Seconds on a named GPU; what it takes to load is not counted. */
export function secondsOnGpu(work: Work, gpu: Machines['gpus'][string], shareOfPeak: number): number {
  const { flops, quantized = 0, compared = 0, passes = 0, weightBytes = 0 } = work;
  const moved = SOLVER_BYTES * quantized + COMPARED_BYTES * compared + passes * weightBytes;
  return flops / (shareOfPeak * 1e12 * gpu.tflops) + moved / (1e9 * gpu.bandwidth_gb_per_second);
}
