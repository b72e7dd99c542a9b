// What does not fit into a device's memory, and the settings that would make it fit: each change by itself first, in the
// order of what it costs, then more and more of them together.
import type { EvalConfig } from '../eval/evalConfig.ts';
import type { LogitsConfig } from '../logits/logitsConfig.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import type { TeacherConfig } from '../teacher/teacherConfig.ts';
import type { TrainConfig } from '../train/trainConfig.ts';
import { longestAnswered } from './evalWork.ts';
import type { MixSize } from './mixSize.ts';
import { evalMemory, logitsMemory, teacherMemory, totalOf, trainMemory, type Memory } from './stageMemory.ts';
import type { PlannedStage } from './planFile.ts';

/** Shapes and parameters that decide on memory. */
export interface MemoryInputs {
  teacher: ModelConfig;
  student: ModelConfig;
  mix: Pick<MixSize, 'longest'>;
  configs: { teacher: TeacherConfig; logits: LogitsConfig; train: TrainConfig; eval: EvalConfig };
}

/** The memory of every stage. */
export function stageMemories({
  teacher,
  student,
  mix,
  configs,
}: MemoryInputs): Record<PlannedStage, Memory> {
  return {
    teacher: teacherMemory(teacher),
    logits: logitsMemory(teacher, configs.logits, configs.teacher),
    train: trainMemory(student, configs.train),
    eval: evalMemory(student, configs.eval, { longest: longestAnswered(configs.eval) }),
  };
}

interface Change {
  /** As it is to be written. */
  words: string;
  configs: Partial<{ [K in keyof MemoryInputs['configs']]: Partial<MemoryInputs['configs'][K]> }>;
}

/** What makes `stage` fit into `limit` bytes, in words; undefined when no setting does. */
export function remedyFor(stage: PlannedStage, limit: number, inputs: MemoryInputs): string | undefined {
  const changes = changesFor(stage, inputs);
  const groups = [...changes.map((change) => [change]), ...changes.map((_, i) => changes.slice(0, i + 1))];
  const fitting = groups.find((group) => totalOf(stageMemories(changed(inputs, group))[stage]) <= limit);
  return fitting?.map(({ words }) => words).join(', ');
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

/** Those that are not made already, the cheapest first. */
function changesFor(
  stage: PlannedStage,
  { mix, configs: { teacher, logits, train, eval: evaluation } }: MemoryInputs,
) {
  const changes: Record<PlannedStage, (Change | false)[]> = {
    teacher: [],
    logits: [
      logits.head_block > 128 && { words: 'head_block: 128', configs: { logits: { head_block: 128 } } },
      logits.batch_tokens !== 'auto' &&
        logits.batch_tokens > mix.longest && {
          words: `batch_tokens: ${mix.longest}`,
          configs: { logits: { batch_tokens: mix.longest } },
        },
      teacher.bits > 4 && { words: 'bits: 4 in teacher.yaml', configs: { teacher: { bits: 4 } } },
      teacher.bits > 2 && { words: 'bits: 2 in teacher.yaml', configs: { teacher: { bits: 2 } } },
    ],
    train: [
      !train.recompute && { words: 'recompute: true', configs: { train: { recompute: true } } },
      train.micro_batch_tokens > mix.longest && {
        words: `micro_batch_tokens: ${mix.longest}`,
        configs: { train: { micro_batch_tokens: mix.longest } },
      },
      train.micro_batch_tokens > 1024 && {
        words: 'samples of at most 1024 tokens (max_tokens in mix.yaml, micro_batch_tokens)',
        configs: { train: { micro_batch_tokens: 1024 } },
      },
      train.moment_dtype !== 'uint8' && {
        words: 'moment_dtype: uint8',
        configs: { train: { moment_dtype: 'uint8' } },
      },
      train.master_dtype !== 'bfloat16' &&
        train.dtype === 'bfloat16' && {
          words: 'master_dtype: bfloat16',
          configs: { train: { master_dtype: 'bfloat16' } },
        },
      !train.lora && {
        words: 'lora: { rank: 16, alpha: 32 }',
        configs: { train: { lora: LORA } },
      },
    ],
    eval: [
      evaluation.rows > 4 && { words: 'rows: 4', configs: { eval: { rows: 4 } } },
      evaluation.head_block > 128 && { words: 'head_block: 128', configs: { eval: { head_block: 128 } } },
      evaluation.batch_tokens > 2048 && {
        words: 'batch_tokens: 2048',
        configs: { eval: { batch_tokens: 2048 } },
      },
    ],
  };
  return changes[stage].filter((change) => change !== false);
}

const LORA: TrainConfig['lora'] = {
  ...{ rank: 16, alpha: 32, dropout: 0 },
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
};
