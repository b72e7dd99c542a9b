// The study "does distillation work": one student trained in several ways on the same rows, with the same schedule and
// under the same seeds, and all of them scored on the same held-out rows against the same two caches, those of the
// teacher in bfloat16 and in 4 bits. Every artifact is made by the function behind its stage, with the recipe's YAML and
// the flags that stand here, when it is first needed; what is finished is found by its fingerprint.
import { join } from 'node:path';
import { loadConfig } from '../../pipeline/config/loadConfig.ts';
import { UserError } from '../../pipeline/config/userError.ts';
import { evalConfig } from '../../pipeline/eval/evalConfig.ts';
import { evaluateModel } from '../../pipeline/eval/evaluateModel.ts';
import { dumpLogits } from '../../pipeline/logits/dumpLogits.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { makeTeacher } from '../../pipeline/teacher/makeTeacher.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import type { HeldOutScores } from '../../pipeline/train/heldOut.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
import { writeGsm8kMix, type Gsm8kSplit } from './gsm8kMix.ts';

/** Flags of a stage by YAML key, as after ARGS. */
type Flags = Record<string, string>;

export interface StudyOptions extends Gsm8kSplit {
  /** Folder of a recipe's YAML files. */
  recipe: string;
  /** Model folders. */
  teacher: string;
  student: string;
  /** Work folder. */
  out: string;
  seeds: readonly number[];
  /** Of the stage train, for all runs alike. */
  training: Flags;
  /** The only rows to make, by name; all without it. */
  only?: readonly string[] | undefined;
  progress?: (line: string) => void;
}

/** What a student learns from: a cache of the teacher, and what of the training is not as in all other runs. */
interface Variant {
  cache: 'bf16' | '4-bit' | 'drawn';
  flags?: Flags;
}

/**
 * Of the 4-bit teacher's 64 tokens 2 % lie more than 16 below the first, and its tail is raised at every second position,
 * for 0.001 nats of KL; bounds at 12 or less would teach another distribution, 20 and more hardly touch it.
 */
export const VARIANTS = {
  kd: { cache: '4-bit' },
  'kd-clipped': { cache: '4-bit', flags: { clip: '{relative: 16}' } },
  'kd-bf16': { cache: 'bf16' },
  'kd-drawn': { cache: 'drawn' },
  ce: { cache: '4-bit', flags: { divergence_weight: '0', cross_entropy_weight: '1' } },
} as const satisfies Record<string, Variant>;

export type VariantName = keyof typeof VARIANTS;

/** The caches that every model is held against. */
export const REFERENCES = ['4-bit', 'bf16'] as const;

/** The scores of one model; trained ones are named `VARIANT-SEED`. */
export interface StudyRow {
  name: string;
  scores: Record<(typeof REFERENCES)[number], HeldOutScores>;
}

/** Exactly the 64 most probable tokens, whatever their mass. */
const TOP_64: Flags = { top_k: '64', min_k: '64', mass: '1', min_probability: '0', fidelity_sequences: '0' };

/**
 * Makes what is missing.
 * @returns the scores of the teachers, of the student before, and of each run
 * @throws UserError for an unknown name in `only`, and what the stages throw
 */
export async function runStudy(options: StudyOptions): Promise<StudyRow[]> {
  const { out, only, progress = () => undefined } = options;
  await writeGsm8kMix(join(out, 'mix'), { ...options, tokenizer: options.student });
  const artifacts = artifactsOf(options);
  const models = modelsOf(options, artifacts);
  const rows: StudyRow[] = [];
  for (const name of only ?? models.keys()) {
    const model = models.get(name) ?? noSuchRow(name, models);
    const row = { name, scores: await artifacts.scores(name, await model()) };
    progress(`${name}: held-out KL ${row.scores['4-bit'].kl.toFixed(4)} to the 4-bit teacher`);
    rows.push(row);
  }
  return rows;
}

/** The model folder of each row, in the table's order; made when it is asked for. */
type Models = Map<string, () => Promise<string>>;

function modelsOf({ teacher, student, seeds }: StudyOptions, { quantized, trained }: Artifacts): Models {
  const models: Models = new Map([
    ['teacher-bf16', () => Promise.resolve(teacher)],
    ['teacher-4-bit', quantized],
    ['before', () => Promise.resolve(student)],
  ]);
  for (const variant of Object.keys(VARIANTS) as VariantName[])
    for (const seed of seeds) models.set(`${variant}-${seed}`, () => trained(variant, seed));
  return models;
}

function noSuchRow(name: string, models: Models): never {
  const remedy = `known rows: ${[...models.keys()].join(', ')}`;
  throw new UserError({ field: '--only', value: name, problem: 'no such row', remedy });
}

type Artifacts = ReturnType<typeof artifactsOf>;

/** Each made when asked for, unless it is there. */
function artifactsOf({ recipe, teacher, student, out, training, progress = () => undefined }: StudyOptions) {
  const mix = join(out, 'mix');
  const yaml = (stage: string) => join(recipe, `${stage}.yaml`);

  async function quantized(): Promise<string> {
    const config = await loadConfig(teacherConfig, { file: yaml('teacher') });
    await makeTeacher({ config, model: teacher, out: join(out, 'teacher'), progress });
    return join(out, 'teacher');
  }

  async function cache(kind: Variant['cache'], seed: number): Promise<string> {
    const isDrawn = kind === 'drawn';
    const overrides: Flags = isDrawn
      ? { method: 'sample', draw_seed: String(seed), fidelity_sequences: '0' }
      : TOP_64;
    const config = await loadConfig(logitsConfig, { file: yaml('logits'), overrides });
    const folder = join(out, 'logits', isDrawn ? `${kind}-${seed}` : kind);
    const model = kind === 'bf16' ? teacher : await quantized();
    await dumpLogits({ config, mix, teacher: model, out: folder, progress });
    return folder;
  }

  async function trained(name: VariantName, seed: number): Promise<string> {
    const { cache: kind, flags = {} }: Variant = VARIANTS[name];
    const overrides = { ...training, ...flags, seed: String(seed) };
    const config = await loadConfig(trainConfig, { file: yaml('train'), overrides });
    const folders = {
      mix,
      logits: await cache(kind, seed),
      student,
      out: join(out, 'train', `${name}-${seed}`),
    };
    await trainStudent(config, folders, {
      onStep: ({ step, loss }, seconds) =>
        progress(`${name}-${seed}: step ${step}, loss ${loss.toFixed(4)}, ${seconds.toFixed(1)} s`),
    });
    return join(folders.out, 'model');
  }

  async function scores(name: string, model: string): Promise<StudyRow['scores']> {
    const config = await loadConfig(evalConfig, { file: yaml('eval') });
    const against = async (kind: (typeof REFERENCES)[number]) => {
      const folders = { model, mix, logits: await cache(kind, 0), out: join(out, 'eval', name, kind) };
      return (await evaluateModel(config, folders)).statistics.held_out as unknown as HeldOutScores;
    };
    return { '4-bit': await against('4-bit'), bf16: await against('bf16') };
  }

  return { quantized, trained, scores };
}
