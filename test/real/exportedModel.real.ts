// The student that `make train` exported opens in transformers, which finds the same logits in float32, the same token
// ids and the same chats.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { readMix } from '../../pipeline/mix/tokensArrow.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { largestDifference, sequenceLogits } from './decoderLogits.ts';
import { allOf, atMost, show } from './figures.ts';
import { python, RUN, without } from './needs.ts';

interface Said {
  model: string;
  tokenizer: string;
  ids: number[][];
  chats: string[];
}

const TEXTS = [
  'Natalia sold 48 clips in April.',
  'def f(n):\n    return n * 1234',
  ' été – 😀\t<|im_end|>\n\n',
];
const CHATS = [
  [{ role: 'user', content: 'What is 7 times 8?' }],
  [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Hi' },
  ],
];

void t.test('the exported student', { skip: without('student', 'python') }, async (t) => {
  const folder = join(RUN, 'train/main/model');
  const { samples } = await readMix(join(RUN, 'mix'));
  const heldOut = samples.filter(({ split }) => split === 'held_out').slice(0, 3);
  const sequences = heldOut.map(({ tokenIds }) => Array.from(tokenIds.subarray(0, 100)));
  const [input, output] = [join(t.testdir(), 'input.json'), join(t.testdir(), 'logits.f32')];
  writeFileSync(input, JSON.stringify({ sequences, texts: TEXTS, chats: CHATS }));
  const stdout = execFileSync(python, ['test/real/exportedModel.py', folder, input, output], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = JSON.parse(stdout) as Said;
  show(`transformers opens ${folder} as ${said.model} with ${said.tokenizer}`);

  const theirs = new Float32Array(new Uint8Array(readFileSync(output)).buffer);
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const ours = sequences.flatMap((ids) => sequenceLogits(decoder, ids));
  const V = decoder.config.vocabSize;
  const worst = Math.max(
    ...ours.map((row, n) => largestDifference(row, theirs.subarray(n * V, (n + 1) * V))),
  );
  t.equal(theirs.length, ours.length * V);
  atMost(t, `exported student: largest difference of ${theirs.length} logits`, worst, 1e-3);
  disposeDecoder(decoder);

  const tokenizer = await loadTokenizer(folder);
  const ids = await tokenizer.encodeBatch(TEXTS);
  const chats = CHATS.map((chat) => tokenizer.renderChat(chat, { addGenerationPrompt: true }));
  allOf(t, 'exported student: token ids of texts', same(ids, said.ids), ids.length);
  allOf(t, 'exported student: rendered chats', same(chats, said.chats), chats.length);
});

function same(ours: readonly unknown[], theirs: readonly unknown[]): number {
  return ours.filter((value, i) => JSON.stringify(value) === JSON.stringify(theirs[i])).length;
}
