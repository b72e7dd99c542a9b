// make setup: sets up TensorFlow (the Node packages are make's part). Does nothing when that is done, so it may be asked
// for before every stage.
import { UserError } from '../pipeline/config/userError.ts';
import { nodeFinding } from '../pipeline/setup/inspectMachine.ts';
import { installTensorflow } from '../pipeline/setup/installTensorflow.ts';
import { BUILDS, buildKey } from '../pipeline/setup/tensorflowBuilds.ts';
import { reportErrors } from '../pipeline/terminal/stageCommand.ts';

await reportErrors('setup', async () => {
  const { found, hint } = nodeFinding();
  if (!found) throw new UserError(hint ?? 'Node.js is too old');
  const { version, source } = await installTensorflow();
  const from = source === 'wheel' ? BUILDS[buildKey()]?.requirement : "the npm package's installer";
  console.error(`setup: TensorFlow ${version} is set up (${from ?? source})`);
});
