// A process that takes a lock, says so and keeps it until its stdin ends; with BLOCK it does so without ever returning to
// its event loop, as TensorFlow does for the length of a batch.
//   node --import tsx test/launch/lockHolder.ts PATH [SILENCE] [BLOCK]
import { text } from 'node:stream/consumers';
import { lockWork } from '../../pipeline/artifact/workLock.ts';
import { reportErrors } from '../../pipeline/terminal/stageCommand.ts';

const [path, silence = '60', block] = process.argv.slice(2);

await reportErrors('holder', async () => {
  const options = { silence: Number(silence), beat: Number(silence) / 6 };
  const lock = await lockWork(path!, { ...options, notice: (line) => console.error(`holder: ${line}`) });
  await new Promise<void>((resolve) => process.stdout.write('held\n', () => resolve()));
  if (block) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  await text(process.stdin);
  await lock.release();
});
