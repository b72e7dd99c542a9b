// make train: the student learns from the cached teacher. Results to stdout, progress to stderr.
import { stageCommand } from '../pipeline/config/stageCommand.ts';
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
  run: async ({ config, options }) => {
    let signal: 'SIGINT' | 'SIGTERM' | undefined;
    process.on('SIGINT', () => (signal = 'SIGINT'));
    process.on('SIGTERM', () => (signal = 'SIGTERM'));
    const started = performance.now();
    let tokens = 0;
    try {
      const manifest = await trainStudent(config, options, {
        stopRequested: () => signal !== undefined,
        onStep: (metrics, totalSteps) => {
          tokens += metrics.tokens;
          const rate = tokens / ((performance.now() - started) / 1000);
          console.error(
            `step ${metrics.step}/${totalSteps}  loss ${metrics.loss.toFixed(4)}  kl ${metrics.divergence.toFixed(4)}  ` +
              `ce ${metrics.cross_entropy.toFixed(4)}  lr ${metrics.learning_rate.toExponential(2)}  ` +
              `norm ${metrics.gradient_norm.toFixed(2)}  ${rate.toFixed(0)} tokens/s`,
          );
        },
      });
      console.log(JSON.stringify(manifest.statistics));
    } catch (error) {
      if (!(error instanceof TrainingStopped)) throw error;
      console.error(`train: ${error.message}; run the same command to continue`);
      process.exitCode = signal === 'SIGINT' ? 130 : 143;
    }
  },
});
