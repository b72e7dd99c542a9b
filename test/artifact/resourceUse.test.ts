// usage.json: written when an artifact is made anew, and left alone when a stage finds it finished.
import { existsSync } from 'node:fs';
import { mkdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { commitJson } from '../../pipeline/artifact/jsonFile.ts';
import { readResourceUse, withResourceUse } from '../../pipeline/artifact/resourceUse.ts';

t.test('what an artifact took', async (t) => {
  const folder = t.testdir();
  const manifest = join(folder, 'manifest.json');
  const makeManifest = async () => {
    await commitJson(manifest, {});
  };
  await withResourceUse(folder, () => Promise.resolve());
  t.equal(await readResourceUse(folder), undefined, 'nothing was made');

  await withResourceUse(folder, makeManifest);
  const first = await readResourceUse(folder);
  t.ok(first!.seconds > 0 && first!.peak_memory > 1e7, JSON.stringify(first));
  t.ok(Math.abs(Date.parse(first!.started) + 1000 * process.uptime() - Date.now()) < 5000, first!.started);

  await commitJson(join(folder, 'usage.json'), { ...first, seconds: 7 });
  await withResourceUse(folder, () => utimes(manifest, new Date(), new Date()));
  t.equal((await readResourceUse(folder))?.seconds, 7, 'a manifest that is only touched is no new one');
  await withResourceUse(folder, makeManifest);
  t.not((await readResourceUse(folder))?.seconds, 7, 'the same content, made again');

  await commitJson(join(folder, 'usage.json'), { seconds: 'long' });
  await t.rejects(readResourceUse(folder), { message: /usage\.json: started/ });
});

t.test('where there is no artifact', async (t) => {
  const folder = t.testdir();
  await mkdir(join(folder, 'run'));
  await withResourceUse(undefined, () => Promise.resolve());
  await withResourceUse(join(folder, 'report.html'), () => Promise.resolve());
  await t.rejects(
    withResourceUse(folder, () => Promise.reject(new Error('stopped'))),
    { message: 'stopped' },
  );
  t.notOk(existsSync(join(folder, 'usage.json')));
});
