// make train: the student learns from the cached teacher. Results to stdout, progress to stderr.
import { readModelConfig } from '../pipeline/model/modelConfig.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import { evaluationLine, progressLine } from '../pipeline/train/progressLine.ts';
import { TrainingStopped, type TrainHooks } from '../pipeline/train/runSteps.ts';
import { trainConfig } from '../pipeline/train/trainConfig.ts';
import { trainStudent } from '../pipeline/train/trainStudent.ts';

/** What the shell expects of a process that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

await stageCommand({
  name: 'train',
  summary: "Trains the student on the teacher's cached logits and writes a Hugging Face model folder.",
  options: {
    mix: { describe: 'folder of the mix stage', required: true },
    logits: { describe: 'folder of the logits stage', required: true },
    student: { describe: 'checkpoint folder of the student', required: true },
    out: {
      describe: 'folder to write model/, metrics.jsonl, tensorboard/ and manifest.json to',
      required: true,
    },
  },
  schema: trainConfig,
  run: async ({ config, options, progress }) => {
    let signal: keyof typeof EXIT_CODES | undefined;
    for (const name of ['SIGINT', 'SIGTERM'] as const)
      process.once(name, () => {
        signal = name;
        progress(`${name}: stops after this step; once more ends it at once`);
      });
    const model = await readModelConfig(options.student);
    let lineOf: ReturnType<typeof progressLine>;
    const hooks: TrainHooks = {
      stopRequested: () => signal !== undefined,
      onNotice: progress,
      onStart: ({ trained, ...ahead }) => {
        const [millions, gigabytes] = [trained.parameters / 1e6, trained.bytes / 1e9];
        progress(`trains ${millions.toFixed(1)} million parameters, which take ${gigabytes.toFixed(2)} GB`);
        lineOf = progressLine({ ...ahead, model, dtype: config.dtype });
      },
      onStep: (metrics, seconds) => {
        progress(lineOf(metrics, seconds), 'pace');
        if (metrics.skipped)
          progress(
            `step ${metrics.step} skipped: no finite loss and gradient; samples ${metrics.skipped.join(', ')}`,
          );
      },
      onEvaluation: (metrics) => progress(evaluationLine(metrics)),
    };
    try {
      const manifest = await trainStudent(config, options, hooks);
      console.log(JSON.stringify(manifest.statistics));
    } catch (error) {
      if (!(error instanceof TrainingStopped)) throw error;
      progress(`${error.message}; run the same command to continue`);
      process.exitCode = EXIT_CODES[signal!];
    }
  },
});
