// What each stage of a recipe has to do, from its parameters and the size of its mix: see work.ts for the formulas.
import { fidelityTokens } from '../logits/fidelity.ts';
import { parametersOf } from '../model/decoderShapes.ts';
import type { ModelConfig } from '../model/modelConfig.ts';
import { evalWork } from './evalWork.ts';
import type { MixSize } from './mixSize.ts';
import type { PlannedStage } from './planFile.ts';
import type { RecipeConfigs } from './readRecipe.ts';
import type { RecipeSizes } from './recipeSizes.ts';
import type { Work } from './stageTime.ts';
import { forwardFlops, textOf, trainingFlops, weightsOf } from './work.ts';

/** Evaluations of a student: before and after. */
const EVALUATIONS = 2;

/** In bfloat16. */
const BYTES_PER_WEIGHT = 2;

/** The work of every stage, of all models that it runs. */
export function stageWork(
  configs: RecipeConfigs,
  { teacher, student, mix }: RecipeSizes,
): Record<PlannedStage, Work> {
  const [T, S] = [teacher.config, student.config];
  const evaluation = evalWork(configs.eval, mix);
  const again = fidelityText(configs, mix);
  return {
    teacher: { flops: 0, quantized: weightsOf(T).layers },
    logits: {
      flops: forwardFlops(T, textOf(mix)) + 2 * forwardFlops(T, again),
      compared: again.positions * T.vocabSize,
    },
    train: {
      flops: trainWork(configs, S, mix),
    },
    eval: {
      flops: EVALUATIONS * forwardFlops(S, evaluation.text),
      weightBytes: EVALUATIONS * evaluation.passes * BYTES_PER_WEIGHT * parametersOf(S),
    },
  };
}

/** What the teacher, and the model it was made from, read once more. */
function fidelityText({ logits }: RecipeConfigs, mix: MixSize) {
  const length = Math.min(fidelityTokens, mix.tokens / mix.samples);
  const samples = Math.min(logits.fidelity_sequences, mix.samples);
  const tokens = samples * length;
  return { tokens, positions: (tokens * mix.targetTokens) / mix.tokens, squares: tokens * length };
}

/** FLOP of a training with its evaluations on held-out samples. */
function trainWork({ train }: RecipeConfigs, student: ModelConfig, mix: MixSize): number {
  const trained = textOf(mix, 1 - mix.heldOutShare);
  const all = (train.epochs * trained.tokens) / train.batch_tokens;
  const steps = Math.min(all, train.max_steps ?? all);
  const evaluations = train.eval_every ? 2 + Math.floor(steps / train.eval_every) : 0;
  return (
    (steps / all) * trainingFlops(student, trained, train) +
    evaluations * forwardFlops(student, textOf(mix, mix.heldOutShare))
  );
}
