// SmolLM2-135M-Instruct as it comes out of the GGUF, whole and with 10 of its layers, in float32 against transformers:
// logits and greedy continuations. Token ids and chats are in test/mix/tokenizer.test.ts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { prunedCheckpoint } from '../../pipeline/model/pruneLayers.ts';
import { argmax, greedy, largestDifference, logSumExp, sequenceLogits } from './decoderLogits.ts';
import { allOf, atMost } from './figures.ts';
import { FIXTURES, RUN, without } from './needs.ts';

interface Golden {
  text: string;
  ids: number[];
  argmax: number[];
  last_top20_ids: number[];
  last_top20_logits: number[];
  all_logsumexp: number[];
  first8_logits_each_pos: number[][];
  greedy16: number[];
}

const skip = without('fixtures', 'models');
const folder = join(RUN, 'sources/teacher');

void t.test('the whole model', { skip }, (t) => compare(t, 'SmolLM2-135M-Instruct', folder));

void t.test('10 of its 30 layers', { skip }, async (t) => {
  process.env.REDISTILL_CACHE = t.testdir();
  const { keepLayers } = JSON.parse(readFileSync('test/golden/model/smollm2.json', 'utf8')) as {
    keepLayers: number[];
  };
  await compare(t, 'SmolLM2-prune10', await prunedCheckpoint(folder, keepLayers));
});

async function compare(t: Test, name: string, folder: string): Promise<void> {
  const goldens = JSON.parse(readFileSync(join(FIXTURES, 'smollm2/logits_goldens.json'), 'utf8')) as Record<
    string,
    Golden[]
  >;
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const differences = { logits: 0, logSumExp: 0 };
  const right = { argmax: 0, greedy: 0 };
  for (const golden of goldens[name]!) {
    const logits = sequenceLogits(decoder, golden.ids);
    const ours = [
      ...golden.last_top20_ids.map((id) => logits.at(-1)![id]!),
      ...logits.flatMap((row) => [...row.subarray(0, 8)]),
    ];
    const theirs = [...golden.last_top20_logits, ...golden.first8_logits_each_pos.flat()];
    differences.logits = Math.max(differences.logits, largestDifference(ours, theirs));
    const sums = largestDifference(logits.map(logSumExp), golden.all_logsumexp);
    differences.logSumExp = Math.max(differences.logSumExp, sums);
    right.argmax += Number(logits.map(argmax).join() === golden.argmax.join());
    const continued = greedy(decoder, golden.ids, { count: 16, stopAt: decoder.config.eosTokenIds });
    right.greedy += Number(continued.join() === golden.greedy16.join());
  }
  disposeDecoder(decoder);
  const texts = goldens[name]!.length;
  atMost(t, `${name}: largest difference of a logit`, differences.logits, 1e-3);
  atMost(t, `${name}: largest difference of a log-sum-exp`, differences.logSumExp, 1e-3);
  allOf(t, `${name}: texts with the same most probable tokens`, right.argmax, texts);
  allOf(t, `${name}: texts with the same greedy continuation`, right.greedy, texts);
}
