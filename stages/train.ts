// make train: the student learns from the cached teacher. Results to stdout, progress to stderr.
import { progressMeter } from '../pipeline/terminal/progressMeter.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import { trainConfig } from '../pipeline/train/trainConfig.ts';
import { TrainingStopped, trainStudent } from '../pipeline/train/trainStudent.ts';

await stageCommand({
  name: 'train',
  summary: "Trains the student on the teacher's cached logits and writes a Hugging Face model folder.",
  options: {
    mix: { describe: 'folder of the mix stage', required: true },
    logits: { describe: 'folder of the logits stage', required: true },
    student: { describe: 'checkpoint folder of the student', required: true },
    out: { describe: 'folder to write model/, metrics.jsonl and manifest.json to', required: true },
  },
  schema: trainConfig,
  run: async ({ config, options, progress }) => {
    let signal: 'SIGINT' | 'SIGTERM' | undefined;
    process.on('SIGINT', () => (signal = 'SIGINT'));
    process.on('SIGTERM', () => (signal = 'SIGTERM'));
    const pace = progressMeter({ unit: 'tokens' });
    try {
      const manifest = await trainStudent(config, options, {
        stopRequested: () => signal !== undefined,
        onStep: (metrics, totalSteps) =>
          console.error(
            `step ${metrics.step}/${totalSteps}  loss ${metrics.loss.toFixed(4)}  kl ${metrics.divergence.toFixed(4)}  ` +
              `ce ${metrics.cross_entropy.toFixed(4)}  lr ${metrics.learning_rate.toExponential(2)}  ` +
              `norm ${metrics.gradient_norm.toFixed(2)}  ${pace(metrics.tokens)}`,
          ),
      });
      console.log(JSON.stringify(manifest.statistics));
    } catch (error) {
      if (!(error instanceof TrainingStopped)) throw error;
      progress(`${error.message}; run the same command to continue`);
      process.exitCode = signal === 'SIGINT' ? 130 : 143;
    }
  },
});
