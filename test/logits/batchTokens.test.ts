// `batch_tokens: auto` follows the free memory, within its bounds, and a number stays what it is.
import t, { type Test } from 'tap';
import { batchTokensOf, bytesPerToken } from '../../pipeline/logits/batchTokens.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { makeTinyModel } from '../tinyModel.ts';

async function tinyConfig(t: Test) {
  const folder = t.testdir();
  await makeTinyModel(folder);
  return readModelConfig(folder);
}

t.test('auto takes the power of two that half of the memory holds', async (t) => {
  const config = await tinyConfig(t);
  const tokensFor = (tokens: number) =>
    batchTokensOf('auto', config, { free: () => Promise.resolve(2 * tokens * bytesPerToken(config)) });
  t.equal(await tokensFor(5000), 4096);
  t.equal(await tokensFor(8192), 8192);
  t.equal(await tokensFor(100), 1024, 'never fewer');
  t.equal(await tokensFor(1e6), 16_384, 'never more');
  t.equal(await batchTokensOf(777, config), 777);
});

t.test('auto asks this machine', async (t) => {
  const config = await tinyConfig(t);
  const tokens = await batchTokensOf('auto', config);
  t.ok(tokens >= 1024 && tokens <= 16_384 && Number.isInteger(Math.log2(tokens)), String(tokens));
});
