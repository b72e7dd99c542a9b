// The tiny models in float32 against transformers: logits (a padded batch, and 400 positions), log-probabilities,
// greedy continuations; and the two dialects of config.json say the same.
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import {
  argmax,
  batchLogits,
  greedy,
  largestDifference,
  logSumExp,
  sequenceLogits,
} from './decoderLogits.ts';
import { allOf, atMost } from './figures.ts';
import { FIXTURES, without } from './needs.ts';

interface Golden {
  input_ids: number[][]; // padded on the right
  lengths: number[];
  logits_first: number[][];
  logits_last_valid: number[][];
  logits_all_seq1: number[][];
  argmax_all_valid: number[][];
  token_logprobs: number[][];
  greedy_12_new_tokens: number[][];
  long_input_ids: number[];
  long_logits_last: number[];
  long_argmax: number[];
}

const MODELS = ['tiny-qwen2-tied', 'tiny-llama3-rope-sharded', 'tiny-qwen2-untied-r1distill'];
const skip = without('fixtures');

for (const name of MODELS) {
  const folder = join(FIXTURES, name);

  void t.test(`${name}: as in transformers`, { skip }, async (t) => {
    const golden = JSON.parse(readFileSync(join(folder, 'goldens.json'), 'utf8')) as Golden;
    const { input_ids, lengths } = golden;
    const decoder = await loadDecoder(folder, { dtype: 'float32' });
    const logits = batchLogits(decoder, input_ids).map((rows, b) => rows.slice(0, lengths[b]));
    const long = sequenceLogits(decoder, golden.long_input_ids);
    const pairs: [Float32Array, number[]][] = [
      ...logits.map((rows, b): [Float32Array, number[]] => [rows[0]!, golden.logits_first[b]!]),
      ...logits.map((rows, b): [Float32Array, number[]] => [rows.at(-1)!, golden.logits_last_valid[b]!]),
      ...logits[1]!.map((row, t): [Float32Array, number[]] => [row, golden.logits_all_seq1[t]!]),
      [long.at(-1)!, golden.long_logits_last],
    ];
    const worst = Math.max(...pairs.map(([ours, theirs]) => largestDifference(ours, theirs)));
    atMost(t, `${name}: largest difference of a logit`, worst, 1e-4);
    const logProbs = logits.map((rows, b) =>
      rows.slice(0, -1).map((row, t) => row[input_ids[b]![t + 1]!]! - logSumExp(row)),
    );
    const apart = largestDifference(logProbs.flat(), golden.token_logprobs.flat());
    atMost(t, `${name}: largest difference of a token's log-probability`, apart, 1e-4);
    const best = [...logits.flat(), ...long].map(argmax);
    const expected = [...golden.argmax_all_valid.flat(), ...golden.long_argmax];
    allOf(t, `${name}: most probable tokens`, equalsOf(best, expected), expected.length);
    const continued = input_ids.map((row, b) => greedy(decoder, row.slice(0, lengths[b]), { count: 12 }));
    const right = golden.greedy_12_new_tokens;
    allOf(t, `${name}: greedy tokens`, equalsOf(continued.flat(), right.flat()), right.flat().length);
    disposeDecoder(decoder);
  });

  void t.test(`${name}: config.json and config.v5.json are read alike`, { skip }, async (t) => {
    const newer = t.testdir();
    copyFileSync(join(folder, 'config.v5.json'), join(newer, 'config.json'));
    copyFileSync(join(folder, 'generation_config.json'), join(newer, 'generation_config.json'));
    t.strictSame(await readModelConfig(newer), await readModelConfig(folder));
  });
}

function equalsOf(found: readonly number[], expected: readonly number[]): number {
  return expected.filter((value, i) => found[i] === value).length;
}
