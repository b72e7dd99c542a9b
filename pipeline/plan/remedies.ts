// What does not fit into a device's memory, and the settings that would make it fit: those that take less, from the
// cheapest on until it fits, without the ones that turn out not to be needed.
import type { EvalConfig } from '../eval/evalConfig.ts';
import type { LogitsConfig } from '../logits/logitsConfig.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import type { TeacherConfig } from '../teacher/teacherConfig.ts';
import type { TrainConfig } from '../train/trainConfig.ts';
import { longestAnswered } from './evalWork.ts';
import type { MixSize } from './mixSize.ts';
import {
  evalMemory,
  logitsMemory,
  quantizedBytes,
  teacherMemory,
  totalOf,
  trainMemory,
  type Memory,
} from './stageMemory.ts';
import type { PlannedStage } from './planFile.ts';

/** Shapes and parameters that decide on memory. */
export interface MemoryInputs {
  teacher: ModelConfig;
  student: ModelConfig;
  mix: Pick<MixSize, 'longest'>;
  configs: { teacher: TeacherConfig; logits: LogitsConfig; train: TrainConfig; eval: EvalConfig };
}

/** The memory of every stage. */
export function stageMemories({ teacher, student, configs }: MemoryInputs): Record<PlannedStage, Memory> {
  const weights = quantizedBytes(teacher, configs.teacher);
  return {
    teacher: teacherMemory(teacher),
    logits: logitsMemory(teacher, configs.logits, weights),
    train: trainMemory(student, configs.train),
    eval: evalMemory(student, configs.eval, { longest: longestAnswered(configs.eval) }),
  };
}

/** Memory of a device. */
export interface Room {
  bytes: number;
  device: 'cpu' | 'gpu';
}

interface Change {
  /** As it is to be written. */
  words: string;
  configs: Partial<{ [K in keyof MemoryInputs['configs']]: Partial<MemoryInputs['configs'][K]> }>;
}

/** What makes `stage` fit, in words; undefined when no setting does. */
export function remedyFor(
  stage: PlannedStage,
  { bytes, device }: Room,
  inputs: MemoryInputs,
): string | undefined {
  const fits = (changes: readonly Change[]) =>
    totalOf(stageMemories(changed(inputs, changes))[stage], device) <= bytes;
  const all = changesFor(stage, inputs).filter((change) => isSmaller(stage, inputs, change));
  const enough = all.findIndex((_, i) => fits(all.slice(0, i + 1)));
  if (enough < 0) return undefined;
  const needed = all.slice(0, enough + 1);
  for (const change of [...needed].reverse()) {
    const others = needed.filter((other) => other !== change);
    if (fits(others)) needed.splice(needed.indexOf(change), 1);
  }
  return needed.map(({ words }) => words).join(', ');
}

function isSmaller(stage: PlannedStage, inputs: MemoryInputs, change: Change): boolean {
  return totalOf(stageMemories(changed(inputs, [change]))[stage]) < totalOf(stageMemories(inputs)[stage]);
}

function changed(inputs: MemoryInputs, changes: readonly Change[]): MemoryInputs {
  const configs = { ...inputs.configs };
  for (const change of changes) {
    configs.teacher = { ...configs.teacher, ...change.configs.teacher };
    configs.logits = { ...configs.logits, ...change.configs.logits };
    configs.train = { ...configs.train, ...change.configs.train };
    configs.eval = { ...configs.eval, ...change.configs.eval };
  }
  return { ...inputs, configs };
}

/** In the order of what they cost, in time first, then in what the numbers are worth. */
function changesFor(stage: PlannedStage, { mix: { longest } }: MemoryInputs): Change[] {
  const changes: Record<PlannedStage, Change[]> = {
    teacher: [],
    logits: [
      { words: 'head_block: 128', configs: { logits: { head_block: 128 } } },
      { words: `batch_tokens: ${longest}`, configs: { logits: { batch_tokens: longest } } },
      { words: 'shard_tokens: 131072', configs: { logits: { shard_tokens: 131_072 } } },
      { words: 'fidelity_sequences: 0', configs: { logits: { fidelity_sequences: 0 } } },
      { words: 'bits: 4 in teacher.yaml', configs: { teacher: { bits: 4 } } },
      { words: 'bits: 3 in teacher.yaml', configs: { teacher: { bits: 3 } } },
      { words: 'bits: 2 in teacher.yaml', configs: { teacher: { bits: 2 } } },
    ],
    train: [
      { words: 'recompute: true', configs: { train: { recompute: true } } },
      { words: `micro_batch_tokens: ${longest}`, configs: { train: { micro_batch_tokens: longest } } },
      { words: 'moment_dtype: uint8', configs: { train: { moment_dtype: 'uint8' } } },
      { words: 'master_dtype: bfloat16', configs: { train: { master_dtype: 'bfloat16' } } },
      {
        words: 'samples of at most 1024 tokens (max_tokens in mix.yaml, micro_batch_tokens)',
        configs: { train: { micro_batch_tokens: 1024 } },
      },
      { words: 'lora: { rank: 16, alpha: 32 }', configs: { train: { lora: LORA } } },
    ],
    eval: [
      { words: 'rows: 8', configs: { eval: { rows: 8 } } },
      { words: 'head_block: 128', configs: { eval: { head_block: 128 } } },
      { words: 'batch_tokens: 2048', configs: { eval: { batch_tokens: 2048 } } },
    ],
  };
  return changes[stage];
}

const LORA: TrainConfig['lora'] = {
  ...{ rank: 16, alpha: 32, dropout: 0 },
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};
