// Sets up TensorFlow (the Node packages are make's part). Does nothing when that is done, so every stage may ask for it.
import { reportErrors } from '../pipeline/config/stageCommand.ts';
import { UserError } from '../pipeline/config/userError.ts';
import { nodeFinding } from '../pipeline/engine/inspectMachine.ts';
import { installTensorflow } from '../pipeline/engine/installTensorflow.ts';
import { BUILDS, buildKey } from '../pipeline/engine/tensorflowBuilds.ts';

await reportErrors('setup', async () => {
  const { found, hint } = nodeFinding();
  if (!found) throw new UserError(hint ?? 'Node.js is too old');
  const { version, source } = await installTensorflow();
  const from = source === 'wheel' ? BUILDS[buildKey()]?.requirement : "the npm package's installer";
  console.error(`setup: TensorFlow ${version} is set up (${from ?? source})`);
});
