// What a recipe takes before anything of it is fetched: downloads, disk, and memory, work and time of every stage, here
// and on named GPUs, with what does not fit. From the recipe's files, configs and headers; where a run of the recipe has
// got on already, its sources, mix and cache say more than any estimate.
import { join } from 'node:path';
import { cacheSize } from './cacheSize.ts';
import { evalWork } from './evalWork.ts';
import type { Machines } from './machines.ts';
import type { ModelSize } from './modelSize.ts';
import { PLANNED_STAGES, type Plan, type PlannedStage } from './planFile.ts';
import { longLogits, roomOf, shortOfDisk, shortOfMemory } from './planProblems.ts';
import { readRecipe, type RecipeConfigs } from './readRecipe.ts';
import { recipeSizes, type RecipeSizes } from './recipeSizes.ts';
import { stageMemories } from './remedies.ts';
import { checkpointsAtOnce, trainingFiles } from './stageDisk.ts';
import { quantizedBytes, totalOf } from './stageMemory.ts';
import { secondsHere, secondsOnGpu } from './stageTime.ts';
import { stageWork } from './stageWork.ts';
import type { ThisMachine } from './thisMachine.ts';

interface PlanOptions {
  /** Folder of the recipe and of its run. */
  recipe: string;
  run: string;
  machines: Machines;
  /** Measured only once the recipe is known to be right. */
  here: () => Promise<ThisMachine>;
}

/** @throws UserError for a recipe that is not right, or a source that cannot be looked into. */
export async function makePlan({
  recipe,
  run,
  machines,
  here: lookHere,
}: PlanOptions): Promise<Omit<Plan, 'format_version'>> {
  const configs = await readRecipe(recipe);
  const sizes = await recipeSizes(configs, run);
  const here = await lookHere();
  const { teacher, student, datasets, mix } = sizes;
  const { vocabSize } = student.config;
  const cache = await cacheSize(configs.logits, { vocabSize, folder: join(run, 'logits') });
  const inputs = { teacher: teacher.config, student: student.config, mix, configs };
  const memories = stageMemories(inputs);
  const work = stageWork(configs, sizes);
  const disk = diskOf(configs, sizes, cache.bytesPerToken);
  const elsewhere = Object.entries(machines.gpus).map(([name, gpu]) => ({
    ...{ name, gpu, short: shortOfMemory(name, roomOf(gpu), inputs) },
  }));
  return {
    recipe,
    models: { teacher: modelEntry(teacher), student: modelEntry(student) },
    datasets,
    mix: {
      samples: mix.samples,
      tokens: mix.tokens,
      target_tokens: mix.targetTokens,
      measured: mix.isMeasured,
    },
    cache: { bytes_per_token: cache.bytesPerToken, measured: cache.isMeasured },
    disk,
    stages: byStage((stage) => ({
      ...{ memory: memories[stage], memory_bytes: totalOf(memories[stage]), flops: work[stage].flops },
    })),
    here: {
      ...{ device: here.device, memory_bytes: here.memoryBytes, free_disk_bytes: here.freeDiskBytes },
      matmul_flops_per_second: here.rates.flops,
      seconds: byStage((stage) => secondsHere(stage, work[stage], here.rates)),
    },
    machines: Object.fromEntries(
      elsewhere.map(({ name, gpu, short }) => {
        const seconds = byStage((stage) => secondsOnGpu(work[stage], gpu, machines.share_of_peak));
        const hours = Object.values(seconds).reduce((sum, one) => sum + one, 0) / 3600;
        return [
          name,
          { seconds, dollars: hours * gpu.dollars_per_hour, does_not_fit: short.map(({ what }) => what) },
        ];
      }),
    ),
    problems: [
      ...shortOfMemory('this machine', { bytes: here.memoryBytes, device: here.device }, inputs),
      ...elsewhere.flatMap(({ short }) => short),
      ...longLogits(secondsHere('logits', work.logits, here.rates)),
      ...shortOfDisk(missingBytes(sizes) + Object.values(disk).reduce((sum, bytes) => sum + bytes, 0), here),
    ],
    assumptions: assumptionsOf({ mix, cache, unknownTasks: evalWork(configs.eval, mix).unknown, machines }),
  };
}

function diskOf(
  configs: RecipeConfigs,
  { teacher, student, mix }: RecipeSizes,
  bytesPerToken: number,
): Plan['disk'] {
  const { checkpoint, exported } = trainingFiles(student.config, configs.train);
  const converted = (teacher.convertedBytes ?? 0) + (student.convertedBytes ?? 0);
  return {
    ...(converted > 0 && { 'models out of GGUF': converted }),
    'quantized teacher': quantizedBytes(teacher.config, configs.teacher),
    'logits cache': bytesPerToken * mix.targetTokens,
    'training checkpoints': checkpointsAtOnce(configs.train) * checkpoint,
    'trained model': exported,
  };
}

/** What is still to be fetched. */
function missingBytes({ teacher, student, datasets }: RecipeSizes): number {
  const models = [teacher, student].map(({ bytes, cachedBytes }) => bytes - cachedBytes);
  const files = Object.values(datasets).map(({ bytes, cached_bytes }) => bytes - cached_bytes);
  return [...models, ...files].reduce((sum, bytes) => sum + bytes, 0);
}

function modelEntry({ reference, parameters, bytes, cachedBytes }: ModelSize): Plan['models']['teacher'] {
  return { reference, parameters, bytes, cached_bytes: cachedBytes };
}

function assumptionsOf({
  mix,
  cache,
  unknownTasks,
  machines,
}: {
  mix: RecipeSizes['mix'];
  cache: { isMeasured: boolean };
  unknownTasks: string[];
  machines: Machines;
}): string[] {
  return [
    ...(mix.isMeasured
      ? []
      : ['lengths of samples are round means of their formats, until make mix has run']),
    ...(cache.isMeasured
      ? []
      : ['tokens kept at a position are those of a small teacher, until make logits has run']),
    ...(unknownTasks.length > 0
      ? [`nothing is known of the tasks ${unknownTasks.join(', ')}: not counted`]
      : []),
    'lengths of benchmark items are round means',
    `GPUs reach ${machines.share_of_peak} of their peak rate, small models less: not measured, see data/machines.yaml`,
  ];
}

function byStage<T>(of: (stage: PlannedStage) => T): Record<PlannedStage, T> {
  return Object.fromEntries(PLANNED_STAGES.map((stage) => [stage, of(stage)])) as Record<PlannedStage, T>;
}
