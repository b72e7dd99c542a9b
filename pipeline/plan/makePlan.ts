// What a recipe takes before anything of it is fetched: downloads, disk, and memory, work and time of every stage, here
// and on named GPUs, with what does not fit. From the recipe's files, configs and headers; where a run of the recipe has
// got on already, its sources, mix and cache say more than any estimate.
import { join } from 'node:path';
import type { z } from 'zod';
import { loadConfig } from '../config/loadConfig.ts';
import { evalConfig } from '../eval/evalConfig.ts';
import { sourcesConfig } from '../hub/sourcesConfig.ts';
import { readSources, type Sources } from '../hub/sourcesFile.ts';
import { fidelityTokens } from '../logits/fidelity.ts';
import { logitsConfig } from '../logits/logitsConfig.ts';
import { mixConfig } from '../mix/mixConfig.ts';
import { teacherConfig } from '../teacher/teacherConfig.ts';
import { trainConfig } from '../train/trainConfig.ts';
import { cacheSize } from './cacheSize.ts';
import { sizeOfDataset } from './datasetSize.ts';
import { evalWork } from './evalWork.ts';
import type { Machines } from './machines.ts';
import { mixSize, type MixSize } from './mixSize.ts';
import { parametersOf, sizeOfModel, sizeOfStudent, type ModelSize } from './modelSize.ts';
import { PLANNED_STAGES, type Plan, type PlannedStage } from './planFile.ts';
import { remedyFor, stageMemories, type Room } from './remedies.ts';
import { checkpointsAtOnce, trainingFiles } from './stageDisk.ts';
import { quantizedBytes, totalOf } from './stageMemory.ts';
import { secondsHere, secondsOnGpu, type Work } from './stageTime.ts';
import type { ThisMachine } from './thisMachine.ts';
import { forwardFlops, textOf, trainingFlops, weightsOf } from './work.ts';

/** Parts of an evaluation: before and after. */
const EVALUATIONS = 2;

interface PlanOptions {
  /** Folder of the recipe and of its run. */
  recipe: string;
  run: string;
  machines: Machines;
  here: ThisMachine;
}

/** @throws UserError for a recipe that is not right, or a source that cannot be looked into. */
export async function makePlan({
  recipe,
  run,
  machines,
  here,
}: PlanOptions): Promise<Omit<Plan, 'format_version'>> {
  const configs = await readConfigs(recipe);
  const { teacher, student, datasets } = await sizesOf(configs.sources, await usableSources(run));
  const mix = await mixSize(configs.mix, join(run, 'mix'));
  const cache = await cacheSize(configs.logits, {
    ...{ vocabSize: student.config.vocabSize, folder: join(run, 'logits') },
  });
  const inputs = { teacher: teacher.config, student: student.config, mix, configs };
  const memories = stageMemories(inputs);
  const work = workOf(configs, { teacher, student, mix });
  const disk = diskOf(configs, { teacher, student, mix, bytesPerToken: cache.bytesPerToken });
  const shortOfMemory = (where: string, room: Room) =>
    PLANNED_STAGES.filter((stage) => totalOf(memories[stage], room.device) > room.bytes).map((stage) => ({
      ...{ what: stage, where },
      problem: `takes ${gigabytes(totalOf(memories[stage], room.device))} of ${gigabytes(room.bytes)} of memory`,
      remedy: remedyFor(stage, room, inputs) ?? 'no setting of the recipe makes it fit',
    }));
  const rooms = Object.entries(machines.gpus).map(
    ([name, { memory_gb }]) => [name, { bytes: 1e9 * memory_gb, device: 'gpu' }] as const,
  );
  const short = new Map(rooms.map(([name, room]) => [name, shortOfMemory(name, room)]));
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
      matmul_flops_per_second: here.matmulRate,
      seconds: byStage((stage) => secondsHere(stage, work[stage], here.matmulRate)),
    },
    machines: Object.fromEntries(
      Object.entries(machines.gpus).map(([name, gpu]) => {
        const seconds = byStage((stage) => secondsOnGpu(work[stage], gpu, machines.share_of_peak));
        const hours = Object.values(seconds).reduce((sum, one) => sum + one, 0) / 3600;
        const does_not_fit = short.get(name)!.map(({ what }) => what);
        return [name, { seconds, dollars: hours * gpu.dollars_per_hour, does_not_fit }];
      }),
    ),
    problems: [
      ...shortOfMemory('this machine', { bytes: here.memoryBytes, device: here.device }),
      ...[...short.values()].flat(),
      ...shares(secondsHere('logits', work.logits, here.matmulRate)),
      ...shortOfDisk(disk, {
        downloads: [teacher, student, ...Object.values(datasets)],
        free: here.freeDiskBytes,
      }),
    ],
    assumptions: assumptionsOf({ mix, cache, unknownTasks: evalWork(configs.eval, mix).unknown, machines }),
  };
}

type Configs = Awaited<ReturnType<typeof readConfigs>>;

async function readConfigs(recipe: string) {
  const load = <S extends z.ZodObject>(schema: S, stage: string) =>
    loadConfig(schema, { file: join(recipe, `${stage}.yaml`) });
  return {
    sources: await load(sourcesConfig, 'sources'),
    mix: await load(mixConfig, 'mix'),
    teacher: await load(teacherConfig, 'teacher'),
    logits: await load(logitsConfig, 'logits'),
    train: await load(trainConfig, 'train'),
    eval: await load(evalConfig, 'eval'),
  };
}

/** What was fetched, if anything; one that cannot be read says nothing. */
async function usableSources(run: string): Promise<Sources | undefined> {
  return readSources(run).catch(() => undefined);
}

async function sizesOf(config: Configs['sources'], fetched: Sources | undefined) {
  const { teacher: source } = config;
  const reference = typeof source === 'string' ? source : source.reference;
  const isFetched = fetched?.teacher.reference === reference;
  const teacher = await sizeOfModel(source, {
    field: 'teacher',
    resolved: isFetched ? fetched.teacher.path : undefined,
  });
  const student = await sizeOfStudent(config.student, { field: 'student', teacher });
  const datasets: Plan['datasets'] = {};
  for (const [name, dataset] of Object.entries(config.datasets)) {
    const own = fetched?.datasets[name];
    const text = typeof dataset === 'string' ? dataset : dataset.reference;
    const isOwn = own?.reference === text || own?.reference.startsWith(`${text}, files`);
    const size = await sizeOfDataset(dataset, {
      field: `datasets.${name}`,
      resolved: isOwn ? own : undefined,
    });
    datasets[name] = { reference: size.reference, bytes: size.bytes, cached_bytes: size.cachedBytes };
  }
  return { teacher, student, datasets };
}

interface Sizes {
  teacher: ModelSize;
  student: ModelSize;
  mix: MixSize;
}

function workOf(configs: Configs, { teacher, student, mix }: Sizes): Record<PlannedStage, Work> {
  const [T, S] = [teacher.config, student.config];
  const evaluation = evalWork(configs.eval, mix);
  const again = fidelityText(configs, mix);
  const trained = textOf(mix, 1 - mix.heldOutShare);
  return {
    teacher: { flops: 0, quantized: weightsOf(T).layers },
    logits: {
      flops: forwardFlops(T, textOf(mix)) + 2 * forwardFlops(T, again),
      compared: again.positions * T.vocabSize,
    },
    train: {
      flops: trainingFlops(S, trained, configs.train) + trainEvaluations(configs, S, mix),
    },
    eval: {
      flops: EVALUATIONS * forwardFlops(S, evaluation.text),
      passes: EVALUATIONS * evaluation.passes,
      weightBytes: 2 * parametersOf(S),
    },
  };
}

/** What the teacher, and the model it was made from, read once more. */
function fidelityText({ logits }: Configs, mix: MixSize) {
  const length = Math.min(fidelityTokens, mix.tokens / mix.samples);
  const samples = Math.min(logits.fidelity_sequences, mix.samples);
  const tokens = samples * length;
  return { tokens, positions: (tokens * mix.targetTokens) / mix.tokens, squares: tokens * length };
}

/** FLOP of the evaluations in a training. */
function trainEvaluations({ train }: Configs, student: ModelSize['config'], mix: MixSize): number {
  if (!train.eval_every) return 0;
  const steps = (train.epochs * (1 - mix.heldOutShare) * mix.tokens) / train.batch_tokens;
  const count = 2 + Math.floor(Math.min(steps, train.max_steps ?? steps) / train.eval_every);
  return count * forwardFlops(student, textOf(mix, mix.heldOutShare));
}

function diskOf(
  configs: Configs,
  { teacher, student, mix, bytesPerToken }: Sizes & { bytesPerToken: number },
): Plan['disk'] {
  const { checkpoint, exported } = trainingFiles(student.config, configs.train);
  return {
    'quantized teacher': quantizedBytes(teacher.config, configs.teacher),
    'logits cache': bytesPerToken * mix.targetTokens,
    'training checkpoints': checkpointsAtOnce(configs.train) * checkpoint,
    'trained model': exported,
  };
}

function shortOfDisk(
  disk: Plan['disk'],
  { downloads, free }: { downloads: (ModelSize | Plan['datasets'][string])[]; free: number },
): Plan['problems'] {
  const missing = downloads.map(
    (one) => one.bytes - ('cachedBytes' in one ? one.cachedBytes : one.cached_bytes),
  );
  const needed = [...Object.values(disk), ...missing].reduce((sum, bytes) => sum + bytes, 0);
  if (needed <= free) return [];
  const problem = `downloads and run take ${gigabytes(needed)}, ${gigabytes(free)} are free`;
  const remedy = 'free some, or put HF_HOME on another disk';
  return [{ what: 'disk', where: 'this machine', problem, remedy }];
}

/** The teacher's reading is the stage that many machines can share. */
function shares(seconds: number): Plan['problems'] {
  const days = seconds / 86_400;
  if (days < 1) return [];
  const remedy = `make logits LAUNCH=slurm SHARDS=${Math.min(64, 2 ** Math.ceil(Math.log2(2 * days)))} shares it among machines`;
  return [{ what: 'logits', where: 'this machine', problem: `takes ${days.toFixed(0)} days`, remedy }];
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
  mix: MixSize;
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
    `GPUs reach ${machines.share_of_peak} of their peak rate: not measured, see data/machines.yaml`,
  ];
}

function byStage<T>(of: (stage: PlannedStage) => T): Record<PlannedStage, T> {
  return Object.fromEntries(PLANNED_STAGES.map((stage) => [stage, of(stage)])) as Record<PlannedStage, T>;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toPrecision(3)} GB`;
}
