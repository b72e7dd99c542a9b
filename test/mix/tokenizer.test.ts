// Token ids and rendered chats against transformers: two tiny tokenizers that are committed (one with SmolLM2's template,
// one with the R1 distills'), and SmolLM2's own from the embedded recipe's run, or from the folder that the environment
// variable REDISTILL_SMOLLM2 names.
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ChatMessage } from '../../pipeline/mix/chatTemplate.ts';
import { loadTokenizer, sameVocabulary, tokenizerFingerprint } from '../../pipeline/mix/tokenizer.ts';
import { FIXTURES, without } from '../needs.ts';
import { readJson } from '../readJson.ts';

interface Golden {
  vocabularySize: number;
  endOfTurn: string;
  texts: {
    text: string;
    ids: number[];
    idsWithSpecial: number[];
    decoded: string;
    decodedSkipSpecial: string;
  }[];
  chats: { messages: ChatMessage[]; addGenerationPrompt: boolean; text: string; ids: number[] }[];
}

const golden = 'test/golden/mix';
const goldens = readJson(join(golden, 'tokenizers.json')) as Record<string, Golden>;

for (const [name, { vocabularySize, endOfTurn, texts, chats }] of Object.entries(goldens))
  t.test(name, async (t) => {
    const tokenizer = await loadTokenizer(join(golden, name));
    t.equal(tokenizer.vocabularySize, vocabularySize);
    t.equal(tokenizer.vocabulary.size, vocabularySize);
    t.equal(tokenizer.endOfTurn(), endOfTurn);
    t.equal(tokenizer.eosToken, endOfTurn);
    for (const { text, ids, idsWithSpecial, decoded, decodedSkipSpecial } of texts) {
      t.strictSame(await tokenizer.encode(text), ids, text);
      t.strictSame(await tokenizer.encode(text, { addSpecialTokens: true }), idsWithSpecial, text);
      t.equal(await tokenizer.decode(ids), decoded);
      t.equal(await tokenizer.decode(idsWithSpecial, { skipSpecialTokens: true }), decodedSkipSpecial);
    }
    t.strictSame(
      await tokenizer.encodeBatch(texts.map(({ text }) => text)),
      texts.map(({ ids }) => ids),
    );
    for (const { messages, addGenerationPrompt, text, ids } of chats) {
      t.equal(tokenizer.renderChat(messages, { addGenerationPrompt }), text);
      t.strictSame(await tokenizer.encode(text), ids);
    }
  });

const smollm2 = process.env.REDISTILL_SMOLLM2 ?? 'data/runs/smollm2/sources/teacher';
const smollm2Goldens = `${FIXTURES}/smollm2/tokenizer_goldens.json`;
const reason = !existsSync(smollm2)
  ? 'needs SmolLM2-135M-Instruct: run "make fetch", or name its folder in REDISTILL_SMOLLM2'
  : without(smollm2Goldens);
t.test('SmolLM2: 54 texts and 4 chats as in transformers', { skip: reason }, async (t) => {
  const { tokenizer: texts, chat: chats } = readJson(smollm2Goldens) as {
    tokenizer: { text: string; ids: number[]; decoded: string; decoded_skip_special: string }[];
    chat: { messages: ChatMessage[]; add_generation_prompt: boolean; text: string; ids: number[] }[];
  };
  const tokenizer = await loadTokenizer(smollm2);
  t.strictSame([texts.length, chats.length, tokenizer.endOfTurn()], [54, 4, '<|im_end|>']);
  for (const { text, ids, decoded, decoded_skip_special } of texts) {
    t.strictSame(await tokenizer.encode(text), ids, text);
    t.equal(await tokenizer.decode(ids), decoded);
    t.equal(await tokenizer.decode(ids, { skipSpecialTokens: true }), decoded_skip_special);
  }
  for (const { messages, add_generation_prompt: addGenerationPrompt, text, ids } of chats) {
    t.equal(tokenizer.renderChat(messages, { addGenerationPrompt }), text);
    t.strictSame(await tokenizer.encode(text), ids);
  }
});

const template = `${FIXTURES}/templates/deepseek-r1-distill.jinja`;
t.test("the R1 distills' own template", { skip: without(template) }, async (t) => {
  const folder = copyOf(t, 'tiny-r1');
  cpSync(template, join(folder, 'chat_template.jinja'));
  const tokenizer = await loadTokenizer(folder);
  t.equal(tokenizer.endOfTurn(), '<｜end▁of▁sentence｜>');
  for (const { messages, addGenerationPrompt, text } of goldens['tiny-r1']!.chats)
    t.equal(tokenizer.renderChat(messages, { addGenerationPrompt }), text);
});

t.test('where a chat template may lie', async (t) => {
  const messages = [{ role: 'user', content: 'x' }];
  const rendered = async (name: string, content: unknown) => {
    const folder = copyOf(t, 'tiny-r1');
    rmSync(join(folder, 'chat_template.jinja'));
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    writeFileSync(join(folder, name), text);
    return (await loadTokenizer(folder)).renderChat(messages);
  };
  const one = '{{ messages[0].content }} 1';
  const list = [
    { name: 'tool_use', template: 'no' },
    { name: 'default', template: one },
  ];
  t.equal(await rendered('chat_template.jinja', one), 'x 1');
  t.equal(await rendered('chat_template.json', { chat_template: one }), 'x 1');
  t.equal(await rendered('tokenizer_config.json', { chat_template: one }), 'x 1');
  t.equal(await rendered('tokenizer_config.json', { chat_template: list }), 'x 1');
  t.equal(await rendered('chat_template.jinja', '{{ strftime_now("%d %b %Y") }}'), '26 Jul 2024');
  await t.rejects(rendered('tokenizer_config.json', {}), { name: 'UserError', message: /no chat template/ });
  await t.rejects(rendered('chat_template.jinja', '{% if %}'), {
    name: 'UserError',
    message: /chat template: /,
  });
});

t.test('special tokens may stand in special_tokens_map.json alone', async (t) => {
  const folder = copyOf(t, 'tiny-chatml');
  writeFileSync(join(folder, 'tokenizer_config.json'), '{}');
  writeFileSync(join(folder, 'special_tokens_map.json'), '{"eos_token": {"content": "<|im_end|>"}}');
  t.equal((await loadTokenizer(folder)).eosToken, '<|im_end|>');
});

t.test('missing and broken files', async (t) => {
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    const folder = copyOf(t, 'tiny-chatml');
    writeFileSync(join(folder, name), '{"version": ');
    await t.rejects(loadTokenizer(folder), { name: 'UserError', message: new RegExp(`${name}: .*JSON`) });
    rmSync(join(folder, name));
    await t.rejects(loadTokenizer(folder), {
      name: 'UserError',
      message: new RegExp(`${name}: no such file`),
    });
  }
  const folder = copyOf(t, 'tiny-chatml');
  writeFileSync(join(folder, 'tokenizer.json'), '{"model": {"type": "None"}}');
  await t.rejects(loadTokenizer(folder), { name: 'UserError', message: /tokenizer\.json: / });
});

t.test('the same vocabulary, or the first token that differs', async (t) => {
  const { vocabulary } = await loadTokenizer(join(golden, 'tiny-chatml'));
  t.strictSame(sameVocabulary({ vocabulary }, { vocabulary: new Map(vocabulary) }), { same: true });
  const swapped = new Map(vocabulary).set('a', vocabulary.get('b')!).set('b', vocabulary.get('a')!);
  t.strictSame(sameVocabulary({ vocabulary }, { vocabulary: swapped }), {
    same: false,
    difference: `token "a" is ${vocabulary.get('a')} in the one and ${vocabulary.get('b')} in the other`,
  });
  const longer = new Map(vocabulary).set('<extra>', 380);
  const difference = 'token "<extra>" is missing in the one and 380 in the other';
  t.strictSame(sameVocabulary({ vocabulary }, { vocabulary: longer }), { same: false, difference });
});

t.test('the fingerprint names tokenizer, template and special tokens', async (t) => {
  const original = await tokenizerFingerprint(join(golden, 'tiny-r1'));
  const changes = {
    'chat_template.jinja': '{{ messages[0].content }}',
    'tokenizer_config.json': '{"eos_token": "<｜User｜>"}',
    'tokenizer.json': readFileSync(join(golden, 'tiny-chatml/tokenizer.json'), 'utf8'),
  };
  const folder = copyOf(t, 'tiny-r1');
  t.equal(await tokenizerFingerprint(folder), original);
  for (const [name, content] of Object.entries(changes)) {
    const changed = copyOf(t, 'tiny-r1');
    writeFileSync(join(changed, name), content);
    t.not(await tokenizerFingerprint(changed), original, name);
  }
});

function copyOf(t: Test, name: string): string {
  const folder = t.testdir({});
  cpSync(join(golden, name), folder, { recursive: true });
  return folder;
}
