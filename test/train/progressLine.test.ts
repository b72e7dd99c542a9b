// The line of a step, and the work that its share of the matmul rate goes by, counted by hand for a small model.
import t from 'tap';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { evaluationLine, progressLine, stepFlops } from '../../pipeline/train/progressLine.ts';
import { makeTinyModel } from '../tinyModel.ts';

t.test('a step', async (t) => {
  const folder = t.testdir();
  await makeTinyModel(folder, { layers: 2 });
  const model = await readModelConfig(folder);
  const layer = 64 * 64 + 2 * 32 * 64 + 64 * 64 + 3 * 192 * 64; // q, k and v, o, gate and up and down
  t.equal(stepFlops({ tokens: 50, loss_positions: 30 }, model), 6 * (50 * 2 * layer + 30 * 300 * 64));

  const figures = { loss: 1.5, divergence: 1.25, cross_entropy: 0.5, learning_rate: 2e-5, gradient_norm: 3 };
  const metrics = { step: 2, ...figures, tokens: 50, loss_positions: 30 };
  const lineOf = progressLine({ totalSteps: 9, tokensLeft: 400, model, dtype: 'float32' });
  t.match(
    lineOf(metrics, 0.5),
    /^step 2\/9 {2}loss 1.5000 {2}kl 1.2500 {2}ce 0.5000 {2}lr 2.00e-5 {2}norm 3.00 {2}\d+ % of the matmul rate {2}[\d.]+( M)? tokens\/s, .* left$/,
  );
  const held_out = { kl: 1.23456, cross_entropy: 2, perplexity: 7.39, agreement: 0.5049, positions: 9 };
  t.equal(
    evaluationLine({ step: 4, held_out }),
    'held-out samples after step 4  kl 1.2346  ce 2.0000  agreement 50.5 %',
  );
});
