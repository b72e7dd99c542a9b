// The plans of the recipes that need the Hub, on a machine that is always the same, for the golden tables.
import { makePlan } from '../../pipeline/plan/makePlan.ts';
import { readMachines } from '../../pipeline/plan/machines.ts';
import type { Plan } from '../../pipeline/plan/planFile.ts';
import type { ThisMachine } from '../../pipeline/plan/thisMachine.ts';
import { startHeaderHub } from './headerHub.ts';
import { realRepositories } from './realModels.ts';

export const HUB_RECIPES = ['redistill-qwen-1.5b', 'redistill-qwen-7b', 'redistill-llama3-8b', 'smollm2-hub'];

/** Two CPU cores. */
const MACHINE: ThisMachine = {
  ...{ device: 'cpu', memoryBytes: 25e9, freeDiskBytes: 200e9 },
  rates: { flops: 6e11, quantized: 3e7, compared: 1e8, weightBytes: 1e10 },
};

/**
 * @param cache folder for what is downloaded
 * @returns the plans by recipe, and the bytes of weights that they took
 */
export async function planHubRecipes(
  cache: string,
): Promise<{ plans: Map<string, Omit<Plan, 'format_version'>>; sentOfWeights: number }> {
  const hub = await startHeaderHub(realRepositories());
  try {
    Object.assign(process.env, { HF_ENDPOINT: hub.url, HF_HUB_CACHE: cache });
    const machines = await readMachines();
    const plans = new Map<string, Omit<Plan, 'format_version'>>();
    for (const name of HUB_RECIPES) {
      const folders = { recipe: `data/recipes/${name}`, run: `${cache}/no-run` };
      plans.set(name, await makePlan({ ...folders, machines, here: () => Promise.resolve(MACHINE) }));
    }
    return { plans, sentOfWeights: hub.sentOfWeights() };
  } finally {
    await hub.close();
  }
}
