// Training with bfloat16 weights rounded at random and 8-bit moments: its curve follows that of float32, its
// checkpoints hold what it holds, and a run that goes on from one ends with the same bytes.
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { readMetrics, trainScene } from './trainScene.ts';

const LOW = { dtype: 'bfloat16', master_dtype: 'bfloat16', moment_dtype: 'uint8' };
const HIGH = { dtype: 'bfloat16' };

/** The held-out KL at each evaluation of a run. */
function curve(folder: string): number[] {
  return readMetrics(folder).flatMap((record) => ('held_out' in record ? [record.held_out.kl] : []));
}

t.test('the held-out curve follows that of float32', async (t) => {
  const { train, at } = await trainScene(t);
  const schedule = { learning_rate: 2e-3, epochs: 4, eval_every: 8 };
  await train({ ...schedule, ...HIGH }, { out: 'high' });
  await train({ ...schedule, ...LOW }, { out: 'low' });
  const [high, low] = [curve(at('high')), curve(at('low'))] as const;
  const gain = high[0]! - high.at(-1)!;
  const worst = Math.max(...high.map((kl, i) => Math.abs(low[i]! - kl)));
  t.ok(worst < 0.03 * gain, `apart by ${worst}, after a gain of ${gain}`);
});

t.test('at a small rate it does not stay behind', async (t) => {
  const { train, at } = await trainScene(t);
  const schedule = { learning_rate: 1e-4, epochs: 4, eval_every: 32 };
  await train({ ...schedule, ...HIGH }, { out: 'high' });
  await train({ ...schedule, ...LOW }, { out: 'low' });
  const [high, low] = [curve(at('high')), curve(at('low'))] as const;
  const gain = high[0]! - high.at(-1)!;
  t.ok(low.at(-1)! < high.at(-1)! + 0.15 * gain, `from ${high[0]} to ${high.at(-1)} and ${low.at(-1)}`);
});

t.test('a checkpoint holds what training holds, and a run goes on from it bit for bit', async (t) => {
  const { train, at } = await trainScene(t);
  const run = { ...LOW, epochs: 2, checkpoint_every: 3 };
  await train(run, { out: 'whole' });
  await stoppedAt(5, { out: 'cut', parameters: run });
  const file = await openSafetensors(join(at('cut'), 'checkpoint', 'step-000005.safetensors'));
  const dtypes = (name: string) => ['weight', 'first_moment', 'second_moment_scale'].map((part) => file.tensors.get(`${part}.${name}`)?.dtype); // prettier-ignore
  t.same(dtypes('model.layers.0.mlp.up_proj.weight'), ['BF16', 'U8', 'F32']);
  t.same(dtypes('model.norm.weight'), ['F32', 'F32', undefined], 'vectors stay as they are');
  await file.close();
  await stoppedAt(5, {
    out: 'full',
    parameters: { ...run, ...HIGH, master_dtype: 'float32', moment_dtype: 'float32' },
  });
  const size = (out: string) => statSync(join(at(out), 'checkpoint', 'step-000005.safetensors')).size;
  t.ok(size('full') / size('cut') > 2.5, `checkpoints of ${size('full')} and ${size('cut')} bytes`);

  await train(run, { out: 'cut' });
  const model = (out: string) => readFileSync(join(at(out), 'model', 'model.safetensors'));
  t.ok(model('cut').equals(model('whole')), 'the same model');
  t.same(readMetrics(at('cut')), readMetrics(at('whole')), 'the same metrics');
  const steps: number[] = [];
  await train(run, { out: 'full', hooks: { onStep: ({ step }) => steps.push(step) } });
  t.equal(steps[0], 1, 'another precision is another run');

  async function stoppedAt(
    last: number,
    { out, parameters }: { out: string; parameters: Record<string, unknown> },
  ) {
    let step = 0;
    const hooks = { onStep: () => (step += 1), stopRequested: () => step === last };
    await t.rejects(train(parameters, { out, hooks }), /stopped after step 5/);
  }
});

t.test('adapters take the same settings, and are exported from them', async (t) => {
  const { train, at } = await trainScene(t);
  await train({ ...LOW, lora: { rank: 4, alpha: 8 }, epochs: 2, eval_every: 4, learning_rate: 5e-3 });
  const kl = curve(at('run'));
  t.ok(kl.at(-1)! < kl[0]!, `KL ${kl[0]} to ${kl.at(-1)}`);
  const adapter = await openSafetensors(join(at('run'), 'adapter', 'adapter_model.safetensors'));
  t.equal(
    [...adapter.tensors.values()].every(({ dtype }) => dtype === 'F32'),
    true,
    'in float32, as PEFT has them',
  );
  await adapter.close();
});
