// data/machines.yaml: named GPUs with their rate, memory and price, which a plan counts hours and dollars with.
import { z } from 'zod';
import { loadConfig } from '../config/loadConfig.ts';

const positive = z.number().positive();

const machinesSchema = z.strictObject({
  share_of_peak: positive.max(1).describe("of a GPU's peak rate, what useful products reach"),
  gpus: z.record(
    z.string(),
    z.strictObject({
      tflops: positive.describe('dense bfloat16 products, 10^12 FLOP/s'),
      memory_gb: positive.describe('10^9 bytes'),
      bandwidth_gb_per_second: positive.describe('of its memory, 10^9 bytes/s'),
      specification: z.string().describe('where these figures stand'),
      dollars_per_hour: positive,
      price: z.string().describe('where and when that was read'),
    }),
  ),
});

export type Machines = z.infer<typeof machinesSchema>;

/** @throws UserError naming file and key for what cannot be counted with. */
export function readMachines(file = 'data/machines.yaml'): Promise<Machines> {
  return loadConfig(machinesSchema, { file });
}
