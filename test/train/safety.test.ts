// What a run does when it cannot go on: a NaN planted in the student, a run that has nothing but NaN any more, logits
// that overflow unless they are clipped, SIGINT and SIGTERM to its process.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';
import { epochSteps } from '../../pipeline/train/epochSteps.ts';
import { isStep, type StepMetrics } from '../../pipeline/train/metrics.ts';
import { TrainingStopped } from '../../pipeline/train/runSteps.ts';
import { sumsOf } from '../fileBytes.ts';
import { readJson } from '../readJson.ts';
import { runStage, stageArguments, watchStage } from '../runStage.ts';
import { sampleOf } from '../tinyMix.ts';
import { readMetrics, SMALL, splitSamples, trainScene } from './trainScene.ts';

const HIDDEN = 64;
const POISON = 299; // the token whose embedding is NaN in the student

const poisonedStudent = {
  tied: false,
  edit: (name: string, values: Float32Array) => {
    if (name === 'model.embed_tokens.weight') values.fill(NaN, POISON * HIDDEN, (POISON + 1) * HIDDEN);
  },
};

/** Samples, those at `poisoned` having the poison before their last token and no other having it. */
function samplesWith(poisoned: readonly number[]) {
  return splitSamples(40).map(({ tokenIds, lossMask, source, split }, i) => {
    const ids = tokenIds.map((id, j) =>
      j === tokenIds.length - 2 && poisoned.includes(i) ? POISON : id % POISON,
    );
    return { ...sampleOf(ids, lossMask), source, split };
  });
}

/** The places in the mix of the samples that a run of one epoch sees in each step: seed and lengths alone decide. */
function placesByStep(): number[][] {
  const samples = samplesWith([]);
  const training = samples.filter(({ split }) => split === 'train');
  const sizes = { batchTokens: SMALL.batch_tokens, microBatchTokens: SMALL.micro_batch_tokens };
  const steps = epochSteps(training, { seed: 0, epoch: 0, ...sizes });
  return steps.map((step) => step.flat().map(({ id }) => samples.findIndex((sample) => sample.id === id)));
}

t.test('a step with a NaN is skipped, and its samples are named', async (t) => {
  const [place] = placesByStep()[2]!;
  const samples = samplesWith([place!]);
  const { train, at } = await trainScene(t, { samples, student: poisonedStudent });
  const bad: StepMetrics[] = [];
  const manifest = await train({}, { hooks: { onStep: (step) => step.skipped && bad.push(step) } });
  t.same(
    bad.map(({ step, skipped }) => ({ step, skipped })),
    [{ step: 3, skipped: [samples[place!]!.id] }],
    'the samples of the micro-batches whose loss is not finite',
  );
  t.equal(manifest.statistics.skipped_steps, 1);
  const { length } = readMetrics(at('run'))
    .filter(isStep)
    .filter(({ gradient_norm }) => Number.isFinite(gradient_norm));
  t.equal(length, placesByStep().length - 1, 'all others are sound');
});

t.test('the best state may be that of a skipped step', async (t) => {
  const samples = samplesWith(placesByStep()[2]!);
  const { train } = await trainScene(t, { samples, student: poisonedStudent });
  const { statistics } = await train({ max_steps: 3, eval_every: 3, export: 'best' });
  t.match(statistics, { exported_step: 3, skipped_steps: 1, held_out: { best: { step: 3 } } });
});

t.test('after max_bad_steps in a row it ends, with the last good checkpoint in place', async (t) => {
  const [, , ...rest] = placesByStep();
  const bad = await trainScene(t, { samples: samplesWith(rest.flat()), student: poisonedStudent });
  const parameters = { max_bad_steps: 2, checkpoint_every: 1 };
  await t.rejects(bad.train(parameters), {
    name: 'UserError',
    message:
      /^2 steps in a row had no finite loss and gradient, up to step 4 \(samples ([0-9a-f]{32}(, )?)+\); /,
  });
  t.match(readJson(bad.at('run/checkpoint/state.json')), { step: 2 });
  await t.test('which is that of a run stopped there', async (t) => {
    const { train, at } = await trainScene(t, { samples: samplesWith([]), student: poisonedStudent });
    let steps = 0;
    const hooks = { onStep: () => (steps += 1), stopRequested: () => steps === 2 };
    await t.rejects(train(parameters, { hooks }), TrainingStopped);
    const weights = 'step-000002.safetensors';
    t.equal(sumsOf(bad.at('run/checkpoint'))[weights], sumsOf(at('run/checkpoint'))[weights]);
  });
});

/**
 * A head with a row of padding that nobody ever trained. What it gives is -Infinity, or +Infinity where the input is the
 * poison: by the first column of the embedding, which no layer adds to.
 */
const overflowingStudent = {
  tied: false,
  headRows: 320,
  edit: (name: string, values: Float32Array) => {
    if (name === 'model.embed_tokens.weight')
      for (let id = 0; id < 320; id++) values[id * HIDDEN] = id === POISON ? 2 : -2;
    if (/o_proj|down_proj/.test(name)) values.fill(0, 0, values.length / HIDDEN);
    if (name === 'lm_head.weight') {
      values.fill(0, 310 * HIDDEN, 311 * HIDDEN);
      values[310 * HIDDEN] = 3e38;
    }
  },
};

t.test('extreme logits end a run, and do not with clip', async (t) => {
  const [, , ...rest] = placesByStep();
  const samples = samplesWith(rest.flat());
  const { train, at } = await trainScene(t, { samples, student: overflowingStudent });
  const parameters = { epochs: 4, max_bad_steps: 2, checkpoint_every: 1 };
  const [third, fourth] = rest.map((places) => places.map((place) => samples[place]!.id));
  for (const expected of [
    [1, 2, 3, 4],
    [3, 4],
  ]) {
    const steps: StepMetrics[] = [];
    const hooks = { onStep: (step: StepMetrics) => steps.push(step) };
    await t.rejects(train(parameters, { hooks }), {
      name: 'UserError',
      message: `2 steps in a row had no finite loss and gradient, up to step 4 (samples ${fourth!.join(', ')}); lower learning_rate or set clip in train.yaml`,
    });
    t.same(
      steps.map(({ step }) => step),
      expected,
      'and once more from its last good checkpoint',
    );
    t.same(
      steps.slice(-2).map(({ skipped }) => skipped?.toSorted()),
      [third, fourth].map((ids) => ids?.toSorted()),
    );
    t.match(readJson(at('run/checkpoint/state.json')), { step: 2 });
  }

  const { statistics } = await train({ ...parameters, clip: { absolute: 20 } }, { out: 'clipped' });
  const losses = readMetrics(at('clipped'))
    .filter(isStep)
    .map(({ loss }) => loss);
  const epoch = losses.length / 4;
  const means = [0, 3].map((i) => losses.slice(i * epoch, (i + 1) * epoch).reduce((a, b) => a + b) / epoch);
  t.notOk('skipped_steps' in statistics, 'no step is skipped');
  t.ok(means[1]! < 0.9 * means[0]!, `mean loss of the first epoch ${means[0]}, of the last ${means[1]}`);
});

t.test(
  'a signal lets the step end, saves and ends the process; the run continues to the same bytes',
  async (t) => {
    const { train, at, flags } = await trainScene(t);
    const parameters = { epochs: 3, eval_every: 10, checkpoint_every: 1000 };
    const { files } = await train(parameters, { out: 'undisturbed' });
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const given = flags(parameters, { out: signal });
      const { exitCode, errors } = await interrupt(given, signal);
      t.equal(exitCode, code, signal);
      const [, step] = /stopped after step (\d+) of \d+; the state of step \1 is saved; run the same/.exec(
        errors,
      )!;
      t.match(readJson(at(`${signal}/checkpoint/state.json`)), { step: Number(step) });
      await runStage('train', given);
      const finished = readJson(join(at(signal), 'manifest.json'));
      t.same(finished, { ...(finished as object), files }, `stopped after step ${step}, then continued`);
    }
  },
);

const skip = spawnSync('script', ['--version']).status !== 0 && 'needs the program "script" of util-linux';

t.test('Ctrl-C on a terminal saves as well', { skip }, async (t) => {
  const { at, flags } = await trainScene(t);
  const given = flags({ epochs: 200, checkpoint_every: 1000 }, { out: 'terminal' });
  const words = [process.execPath, ...stageArguments('train', given)].map((word) => `'${word}'`).join(' ');
  const sized = `stty rows 40 columns 120; exec ${words}`; // a terminal without lines shows none
  const child = spawn('script', ['-qefc', sized, '/dev/null'], { stdio: ['pipe', 'pipe', 'ignore'] });
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (!/step \d/.test(shown) && /step \d/.test(shown + text)) child.stdin.write('\x03');
    shown += text;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  t.equal(exitCode, 130);
  const [, step] = /stopped after step (\d+) of \d+; the state of step \1 is saved/.exec(shown) ?? [];
  t.match(readJson(at('terminal/checkpoint/state.json')), { step: Number(step) });
});

t.test('a second training in the same folder is refused while the first runs', async (t) => {
  const { flags } = await trainScene(t);
  const given = flags({ epochs: 200 }, { out: 'both' });
  const first = watchStage('train', given);
  await new Promise<void>((running) =>
    first.stderr.on('data', (text: string) => {
      if (text.includes('step 2/')) running();
    }),
  );
  await t.rejects(runStage('train', given), {
    code: 1,
    stderr: new RegExp(
      `^train: .*training\\.lock-1: held by process ${first.pid} .*which is alive; wait for it`,
    ),
  });
  first.kill('SIGKILL');
  await once(first, 'close');
});

/** Runs the stage and sends it a signal when its second step is done. */
async function interrupt(flags: Record<string, string>, signal: NodeJS.Signals) {
  const child = watchStage('train', flags);
  let errors = '';
  child.stderr.on('data', (text: string) => {
    if (!errors.includes('step 2/') && (errors + text).includes('step 2/')) child.kill(signal);
    errors += text;
  });
  const [exitCode] = (await once(child, 'close')) as [number | null];
  return { exitCode, errors };
}
