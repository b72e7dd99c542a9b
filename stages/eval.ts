// make eval: how close a model is to the teacher, and what it scores in benchmarks (pipeline/eval). One line of scores
// a task to stdout, then what changed since the evaluation before.
import { join } from 'node:path';
import { compareEvaluations, comparisonText } from '../pipeline/eval/compareEvaluations.ts';
import { benchmarksOf, evalConfig } from '../pipeline/eval/evalConfig.ts';
import { evaluateModel } from '../pipeline/eval/evaluateModel.ts';
import { expandTasks } from '../pipeline/eval/prompts/taskCatalog.ts';
import { progressMeter } from '../pipeline/terminal/progressMeter.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'eval',
  summary:
    'Evaluates a model folder: KL to the teacher, cross-entropy, perplexity and agreement on held-out samples, and the ' +
    'benchmarks of lm-evaluation-harness by their names there.',
  options: {
    model: { describe: 'Hugging Face model folder to evaluate', required: true },
    out: { describe: 'folder to write results.json, samples and manifest.json to', required: true },
    mix: { describe: 'folder of the mix stage (default: that of the run whose eval/NAME is --out)' },
    logits: { describe: 'folder of the logits stage (default: likewise)' },
    before: { describe: 'folder of an earlier evaluation to compare with, written to comparison.json' },
  },
  schema: evalConfig,
  check: async (config) => {
    await expandTasks(benchmarksOf(config));
  },
  run: async ({ config, options: { model, out, ...options }, progress }) => {
    const { mix = join(out, '../../mix'), logits = join(out, '../../logits') } = options;
    const lineOf = answersLine();
    const onAnswers = (task: string, answered: number, total: number) =>
      progress(lineOf(task, answered, total), answered < total ? 'pace' : undefined);
    const { statistics } = await evaluateModel(config, { model, mix, logits, out }, { progress, onAnswers });
    for (const [task, scores] of Object.entries(statistics))
      console.log(`${model} ${task} ${JSON.stringify(scores)}`);
    if (options.before !== undefined)
      console.log(comparisonText(await compareEvaluations(config, { out, before: options.before, mix })));
  },
});

/** How far a task is; its pace is that after the first batch, before which the model is loaded. */
function answersLine(): (task: string, answered: number, total: number) => string {
  let last: { task: string; answered: number; pace: (amount: number) => string } | undefined;
  return (task, answered, total) => {
    const line = `${task}: ${answered}/${total} requests`;
    if (last?.task !== task) {
      last = { task, answered, pace: progressMeter({ unit: 'requests', total: total - answered }) };
      return line;
    }
    const pace = last.pace(answered - last.answered);
    last.answered = answered;
    return `${line}, ${pace}`;
  };
}
