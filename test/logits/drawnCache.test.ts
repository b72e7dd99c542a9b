// Caches of drawn tokens (method: sample) through the stage: the same bytes again, figures without a tail, the full
// distribution's log-sum-exp and entropy, scores of held-out samples, and refusals.
import t from 'tap';
import type { Manifest } from '../../pipeline/artifact/manifest.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import { logitsSummary } from '../../pipeline/logits/logitsSummary.ts';
import type { LogitsStatistics } from '../../pipeline/logits/logitsStatistics.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { meanScores, scoreSamples } from '../../pipeline/train/heldOut.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
import { sumsOf } from '../fileBytes.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { CONFIG, dumpScene } from './dumpScene.ts';

const DRAWS = 40;
const DRAWN = { method: 'sample' as const, draws: DRAWS };

t.test('the same draws again, with the log-sum-exp and entropy of the full distribution', async (t) => {
  const { at, dump, samples } = await dumpScene(t, { config: DRAWN });
  const { manifest } = await dump();
  await dump({ out: at('again') });
  t.same(sumsOf(at('again')), sumsOf(at('out')), 'every byte');
  const other = await dump({ config: { ...CONFIG, ...DRAWN, draw_seed: 1 }, out: at('again') });
  t.notOk(other.upToDate, 'another seed is another cache');
  const shards = (of?: Manifest) => of!.files.map(({ sha256 }) => sha256);
  t.notSame(shards(other.manifest), shards(manifest));
  const exactly = { ...CONFIG, top_k: 300, mass: 1, precision: 'float32' as const };
  await dump({ config: exactly, out: at('all') });
  const [drawn, all] = [await openLogits(at('out')), await openLogits(at('all'))];
  t.equal(drawn.draws, DRAWS);
  t.equal(all.draws, undefined);
  let [worst, kept, positions, distance] = [0, 0, 0, 0];
  for (const { id } of samples) {
    const [a, b] = [await drawn.read(id), await all.read(id)];
    let end = 0;
    for (const [p, k] of a.counts.entries()) {
      const exact = new Map(
        Array.from({ length: 300 }, (_, i) => [b.ids[300 * p + i]!, b.logProbs[300 * p + i]!]),
      );
      const shares = a.logProbs.subarray(end, end + k).map(Math.exp);
      const ids = a.ids.subarray(end, (end += k));
      t.equal(ids[0], b.ids[300 * p], 'the most probable token first');
      const total = shares.reduce((sum, share) => sum + share, 0);
      worst = Math.max(worst, Math.abs(total - 1), Math.abs(a.logSumExp[p]! - b.logSumExp[p]!));
      // float16 entropy
      const entropy = [...exact.values()].reduce((sum, log) => sum - Math.exp(log) * log, 0);
      worst = Math.max(worst, Math.abs(a.entropy![p]! - entropy) / Math.max(1, entropy) / 500);
      distance = Math.max(
        distance,
        ...ids.map((id, i) => Math.abs(shares[i]! - Math.exp(exact.get(id)!)) * DRAWS),
      );
      kept += k;
      positions++;
    }
  }
  t.ok(worst < 1e-5, `shares, log-sum-exps or entropies differ by ${worst}`);
  t.ok(distance < 2, `a share is ${distance} draws off`);
  const statistics = manifest!.statistics as LogitsStatistics;
  t.match(statistics, { draws: DRAWS, total: { tokens: positions, mean_k: kept / positions } });
  t.equal(statistics.total.mean_tail_mass, undefined);
  t.match(
    logitsSummary(statistics),
    /total +40 .* -  +-  .*\n40 tokens drawn at each position; vocabulary 300$/,
  );
  await Promise.all([drawn.close(), all.close()]);
});

t.test('held-out KL from draws is that from the whole distribution, on average', async (t) => {
  const { at, dump, samples } = await dumpScene(t, { config: DRAWN });
  await dump();
  await dump({ config: { ...CONFIG, top_k: 300, mass: 1, precision: 'float32' }, out: at('all') });
  await makeTinyModel(at('student'), { seed: 1 });
  const student = await loadDecoder(at('student'), { dtype: 'bfloat16' });
  const scoresBy = async (folder: string) => {
    const cache = await openLogits(folder);
    const scores = meanScores(
      await scoreSamples(student, samples, cache, { batchTokens: 200, headBlock: 64 }),
    );
    await cache.close();
    return scores;
  };
  const [drawn, exact] = [await scoresBy(at('out')), await scoresBy(at('all'))];
  t.ok(Math.abs(drawn.kl - exact.kl) < 0.05 * exact.kl, `KL ${drawn.kl} from draws, ${exact.kl} exactly`);
  t.equal(drawn.agreement, exact.agreement);
  t.equal(drawn.cross_entropy, exact.cross_entropy);
  disposeDecoder(student);
  const folders = { mix: at('mix'), logits: at('out'), student: at('student'), out: at('train') };
  await t.rejects(trainStudent(trainConfig.parse({ loss: 'reverse_kl' }), folders), {
    name: 'UserError',
    message:
      /^train.yaml: loss = "reverse_kl": the logits cache holds tokens drawn at random .* forward_kl only;/,
  });
});

t.test('tokens are drawn at temperature 1 alone', (t) => {
  t.throws(() => logitsConfig.parse({ ...DRAWN, temperatures: [2] }), /drawn at temperature 1 alone/);
  t.doesNotThrow(() => logitsConfig.parse({ ...DRAWN, temperatures: [1] }));
  t.end();
});
