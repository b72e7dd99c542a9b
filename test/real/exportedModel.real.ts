// What training exports opens in transformers and PEFT, which find the same logits in float32, the same token ids and the
// same chats: the student of `make train`, one in float32 and several files, and one trained with LoRA, merged and as an
// adapter.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { readMix } from '../../pipeline/mix/tokensArrow.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { exportModel } from '../../pipeline/train/exportModel.ts';
import { createStudent, disposeStudent } from '../../pipeline/train/student.ts';
import { trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainStudent } from '../../pipeline/train/trainStudent.ts';
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
  const [input, output] = [join(t.testdir(), 'input.json'), join(t.testdir(), 'logits.f32')];
  writeFileSync(input, JSON.stringify({ sequences: await heldOutSequences(), texts: TEXTS, chats: CHATS }));
  const said = JSON.parse(runPython('test/real/exportedModel.py', folder, input, output)) as Said;
  show(`transformers opens ${folder} as ${said.model} with ${said.tokenizer}`);
  await compareLogits(t, 'exported student', { folder, theirs: floatsIn(output) });

  const tokenizer = await loadTokenizer(folder);
  const ids = await tokenizer.encodeBatch(TEXTS);
  const chats = CHATS.map((chat) => tokenizer.renderChat(chat, { addGenerationPrompt: true }));
  allOf(t, 'exported student: token ids of texts', same(ids, said.ids), ids.length);
  allOf(t, 'exported student: rendered chats', same(chats, said.chats), chats.length);
});

void t.test('in float32 and several files', { skip: without('models', 'python') }, async (t) => {
  const [base, out] = [join(RUN, 'sources/student'), t.testdir()];
  const [folder, output, input] = [join(out, 'model'), join(out, 'logits.f32'), join(out, 'input.json')];
  const student = await createStudent(base, { dtype: 'bfloat16' });
  const files = await exportModel(student, { base, folder, dtype: 'float32', maxShardBytes: 100e6 });
  disposeStudent(student);
  show(`written as ${files.map(({ file }) => file).join(', ')}`);
  t.ok(files.filter(({ file }) => /^model-0000\d-of-0000\d\.safetensors$/.test(file)).length > 2);
  writeFileSync(input, JSON.stringify({ sequences: await heldOutSequences(), texts: [], chats: [] }));
  runPython('test/real/exportedModel.py', folder, input, output);
  await compareLogits(t, 'several files', { folder, theirs: floatsIn(output) });
});

void t.test('an adapter', { skip: without('logits', 'python') }, async (t) => {
  const out = t.testdir();
  const folders = {
    mix: join(RUN, 'mix'),
    logits: join(RUN, 'logits'),
    student: join(RUN, 'sources/student'),
  };
  const lora = { rank: 8, alpha: 16 };
  const steps = { max_steps: 3, batch_tokens: 1024, micro_batch_tokens: 1024, learning_rate: 1e-2 };
  const config = trainConfig.parse({ ...steps, lora, export_dtype: 'float32' });
  await trainStudent(config, { ...folders, out });
  const [ids] = await heldOutSequences();
  const [output, folder] = [join(out, 'logits.f32'), join(out, 'model')];
  const places = [folders.student, join(out, 'adapter'), folder, output];
  const unplaced = runPython('test/train/peftLogits.py', ...places, ...ids!.map(String));
  t.equal(unplaced.trim(), '', 'every tensor has its place');
  const theirs = floatsIn(output);
  const half = theirs.length / 2;
  await compareLogits(t, 'LoRA merged', { folder, theirs: theirs.subarray(half), sequences: [ids!] });
  await compareLogits(t, 'adapter in PEFT', { folder, theirs: theirs.subarray(0, half), sequences: [ids!] });
  const before = await logitsBy(folders.student, [ids!]);
  const last = before.at(-1)!;
  const moved = largestDifference(last, theirs.subarray(half - last.length, half));
  show(`training has moved logits by up to ${moved.toPrecision(3)}`);
  t.ok(moved > 0.1);
});

async function heldOutSequences(): Promise<number[][]> {
  const { samples } = await readMix(join(RUN, 'mix'));
  const heldOut = samples.filter(({ split }) => split === 'held_out').slice(0, 3);
  return heldOut.map(({ tokenIds }) => Array.from(tokenIds.subarray(0, 100)));
}

function runPython(script: string, ...given: string[]): string {
  return execFileSync(python, [script, ...given], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function floatsIn(file: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(file)).buffer);
}

/** Our logits of a model folder in float32, a row a position. */
async function logitsBy(folder: string, sequences: number[][]): Promise<Float32Array[]> {
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const rows = sequences.flatMap((ids) => sequenceLogits(decoder, ids));
  disposeDecoder(decoder);
  return rows;
}

/** `theirs` holds a row for each position of the sequences, as the folder's model gives it elsewhere. */
async function compareLogits(
  t: Test,
  name: string,
  { folder, theirs, sequences }: { folder: string; theirs: Float32Array; sequences?: number[][] },
): Promise<void> {
  const ours = await logitsBy(folder, sequences ?? (await heldOutSequences()));
  const V = ours[0]!.length;
  const rows = ours.map((row, n) => largestDifference(row, theirs.subarray(n * V, (n + 1) * V)));
  t.equal(theirs.length, ours.length * V);
  atMost(t, `${name}: largest difference of ${theirs.length} logits`, Math.max(...rows), 1e-3);
}

function same(ours: readonly unknown[], theirs: readonly unknown[]): number {
  return ours.filter((value, i) => JSON.stringify(value) === JSON.stringify(theirs[i])).length;
}
