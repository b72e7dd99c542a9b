// An upload to a Hub that is busy, breaks off or refuses, and one that goes on after it was cut.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256Of } from '../fileBytes.ts';
import type { UploadStep } from '../hub/hubUploads.ts';
import { finishedRun, metadataOf, REPOSITORY } from './publishScene.ts';
import { emptyHub, fetched, publish } from './uploadScene.ts';

const STEPS = ['create', 'preupload', 'batch', 'content', 'commit'] as const;

t.test('a Hub that is busy, or breaks off, is asked again at every step', async (t) => {
  const run = await finishedRun(t);
  const weights = readFileSync(join(run, 'train/main/model/model.safetensors'));
  const busy = (status: number) => ({ status, headers: { 'retry-after': '0' } });
  for (const [name, fault] of [
    ['503', busy(503)],
    ['429', busy(429)],
    ['cut', 'cut'],
  ] as const)
    await t.test(name, async (t) => {
      const met: string[] = [];
      const faultOnce = (step: UploadStep) => {
        if (met.includes(step)) return undefined;
        met.push(step);
        return fault;
      };
      const hub = await emptyHub(t, { fault: faultOnce });
      const told = await publish(run);
      t.same(met, STEPS);
      t.equal(told.filter((line) => line.includes('trying again')).length, STEPS.length);
      const folder = await fetched();
      t.ok(readFileSync(join(folder, 'model.safetensors')).equals(weights));
      t.equal(hub.made.length, 1);
    });
});

t.test('the Hub is not asked again for what it refuses', async (t) => {
  const run = await finishedRun(t);
  await t.test('commit', async (t) => {
    const hub = await emptyHub(t, {
      fault: (step) => (step === 'commit' ? { status: 400, error: 'the card is bad' } : undefined),
    });
    await t.rejects(publish(run), {
      name: 'UserError',
      message: `${REPOSITORY}: the Hub answered HTTP 400: the card is bad; run the same command again: what was sent is not sent again`,
    });
    t.equal(hub.hub.requests.filter((request) => request.endsWith('/commit/main')).length, 1);
  });
});

t.test('an upload that was cut goes on without what arrived', async (t) => {
  const run = await finishedRun(t, { evaluated: false });
  await t.test('cut', async (t) => {
    let cuts = 1;
    const hub = await emptyHub(t, {
      fault: (step) =>
        step === 'content' && cuts-- > 0 ? { status: 503, headers: { 'retry-after': '3600' } } : undefined,
    });
    await t.rejects(publish(run), {
      name: 'UserError',
      message: `${REPOSITORY}@main: ${hub.hub.url} answered HTTP 503; run the same command again later (the server asks to wait 1 h 0 min)`,
    });
    const weights = readFileSync(join(run, 'train/main/model/model.safetensors'));
    hub.contents.set(sha256Of(weights), weights); // as if it had arrived before the cut
    const before = hub.hub.requests.length;
    const told = await publish(run);
    t.match(
      told[0],
      /eval\/main: no evaluation, so the card has no scores; run "make eval RECIPE=[\w.-]+" first to have them$/,
    );
    t.notOk(hub.hub.requests.slice(before).some((request) => request.startsWith('PUT')));
    const folder = await fetched();
    t.ok(readFileSync(join(folder, 'model.safetensors')).equals(weights));
    t.match(readFileSync(join(folder, 'README.md'), 'utf8'), 'This model has not been evaluated.');
    t.notOk('model-index' in metadataOf(readFileSync(join(folder, 'README.md'), 'utf8')));
  });
});
