// When another try is made, after how long, and when no more.
import t from 'tap';
import { HubError, type FailureKind } from '../../pipeline/hub/hubErrors.ts';
import { retryRequest } from '../../pipeline/hub/retryRequest.ts';

const failure = (kind: FailureKind, retryAfter?: number) => new HubError(kind, 'it failed', { retryAfter });

const times = (length: number, error: Error) => Array.from({ length }, () => ({ error }));

/** Runs attempts that fail as given and then succeed; `bytes` is how far each gets before it fails. */
async function run(failures: { error: Error; bytes?: number }[], options = {}) {
  const waits: number[] = [];
  let [tries, reached] = [0, 0];
  const attempt = () => {
    const { error, bytes } = failures[tries++] ?? {};
    reached = bytes ?? reached;
    return error ? Promise.reject(error) : Promise.resolve('done');
  };
  const pause = (seconds: number) => Promise.resolve(waits.push(seconds));
  const result = await retryRequest(attempt, { pause, reached: () => reached, ...options }).catch(
    (error: unknown) => (error as Error).message,
  );
  return { result, waits, tries };
}

t.test('waits double, drawn from one to two times the step', async (t) => {
  const { result, waits, tries } = await run(times(5, failure('cut')));
  t.equal(result, 'done');
  t.equal(tries, 6);
  waits.forEach((seconds, i) => t.ok(seconds >= 2 ** (i - 1) && seconds < 2 ** i, `${seconds} s`));
  const others = (await run([{ error: failure('cut') }])).waits;
  t.not(others[0], waits[0], 'not the same for two machines');
});

t.test('it gives up, and says how often it tried', async (t) => {
  const { result, tries } = await run(times(9, failure('busy')));
  t.equal(result, 'it failed (tried 6 times)');
  t.equal(tries, 6);
});

t.test('who gets further starts counting anew, who starts over does not', async (t) => {
  const further = Array.from({ length: 20 }, (_, i) => ({ error: failure('cut'), bytes: i + 1 }));
  t.match(await run(further), { result: 'done', tries: 21 });
  const over = Array.from({ length: 20 }, (_, i) => ({ error: failure('cut'), bytes: i % 2 }));
  t.match(await run(over), { result: 'it failed (tried 6 times)', tries: 7 });
});

t.test('a server that says how long to wait is obeyed, within limits', async (t) => {
  t.match(await run([{ error: failure('busy', 60) }]), { result: 'done', waits: [60] });
  const long = await run([{ error: failure('busy', 301) }]);
  t.match(long, { result: 'it failed (the server asks to wait 5 min 1 s)', waits: [] });
});

t.test('what would fail again is not tried again', async (t) => {
  t.match(await run([{ error: failure('refused') }]), { result: 'it failed', tries: 1 });
  t.match(await run([{ error: failure('absent') }]), { result: 'it failed', tries: 1 });
  t.match(await run([{ error: failure('absent') }], { kinds: ['absent'] }), { result: 'done', tries: 2 });
  t.match(await run([{ error: new RangeError('a bug') }]), { result: 'a bug', tries: 1 });
});
