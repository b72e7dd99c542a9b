// make publish: a trained model with its complete card to the Hugging Face Hub (pipeline/publish). The address goes to stdout.
import { join } from 'node:path';
import { UserError } from '../pipeline/config/userError.ts';
import { publishedModel } from '../pipeline/publish/publishedModel.ts';
import { checkRepositoryName, uploadModel } from '../pipeline/publish/uploadModel.ts';
import { writeModelFolder } from '../pipeline/publish/writeModelFolder.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'publish',
  summary:
    'Uploads the model of a training with a complete model card to the Hugging Face Hub; of one with lora the adapter, ' +
    'if its base is there. Needs a token that may write (HF_TOKEN, or "hf auth login"). What is there is not sent again.',
  options: {
    run: { describe: 'folder of the run, as data/runs/smollm2', required: true },
    name: { describe: 'the training, a folder of train/ in it (default main)' },
    repo: { describe: 'repository on the Hub, ORG/NAME; made when there is none', required: true },
    private: { describe: 'without a value: a repository that is made is private' },
    'dry-run': { describe: 'without a value: only write the files to publish/NAME in the folder of the run' },
  },
  run: async ({ options: { run, name = 'main', repo, ...options }, progress }) => {
    for (const flag of ['private', 'dry-run'] as const)
      if (options[flag])
        throw new UserError({ field: `--${flag}`, value: options[flag], problem: 'takes no value' });
    checkRepositoryName(repo);
    const files = await publishedModel({ run, name, repository: repo }, { notice: progress });
    const folder = join(run, 'publish', name);
    const isDry = options['dry-run'] !== undefined;
    if (isDry) await writeModelFolder(files, folder);
    const isPrivate = options.private !== undefined;
    console.log(isDry ? folder : await uploadModel(files, { repository: repo, isPrivate, progress }));
  },
});
