// make eval: how close a model is to the teacher. One line of scores a task to stdout.
import { stageCommand } from '../pipeline/config/stageCommand.ts';
import { evalConfig } from '../pipeline/eval/evalConfig.ts';
import { evaluateModel } from '../pipeline/eval/evaluateModel.ts';

await stageCommand({
  name: 'eval',
  summary:
    'Evaluates a model folder: KL to the teacher, cross-entropy, perplexity and agreement on held-out samples.',
  options: {
    model: { describe: 'Hugging Face model folder to evaluate', required: true },
    mix: { describe: 'folder of the mix stage', required: true },
    logits: { describe: 'folder of the logits stage', required: true },
    out: { describe: 'folder to write results.json, samples and manifest.json to', required: true },
  },
  schema: evalConfig,
  run: async ({ config, options }) => {
    const { statistics } = await evaluateModel(config, options);
    for (const [task, scores] of Object.entries(statistics))
      console.log(`${options.model} ${task} ${JSON.stringify(scores)}`);
  },
});
