// Token ids, loss mask and id of a sample against an independent Python version (test/golden/mix/makeGoldens.py).
import t from 'tap';
import type { ChatMessage } from '../../pipeline/mix/chatTemplate.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { sampleEncoder, sampleText, type SampleText } from '../../pipeline/mix/trainingSample.ts';
import { readJson } from '../readJson.ts';

interface Case {
  messages: ChatMessage[];
  response: string;
  expected: SampleText & { tokenIds: number[]; lossMask: number[]; id: string };
}

const goldens = readJson('test/golden/mix/tokenizers.json') as Record<
  string,
  { endOfTurn: string; samples: Case[] }
>;
const rules = { max_tokens: 1000, overlength: 'drop', min_response_tokens: 1, loss_on: 'response' } as const;

for (const [name, { endOfTurn, samples }] of Object.entries(goldens))
  t.test(name, async (t) => {
    const tokenizer = await loadTokenizer(`test/golden/mix/${name}`);
    const encode = await sampleEncoder(tokenizer, rules);
    for (const { messages, response, expected } of samples) {
      const text = sampleText({ prompt: messages, response }, { tokenizer, systemPrompt: null });
      if ('reason' in text) return t.fail(text.reason);
      t.strictSame(text, { prompt: expected.prompt, response: expected.response });
      const [sample] = await encode([text]);
      if (!sample || 'reason' in sample) return t.fail('rejected');
      t.strictSame([...sample.tokenIds], expected.tokenIds);
      t.strictSame([...sample.lossMask], expected.lossMask);
      t.equal(sample.id, expected.id);
      const learned = sample.tokenIds.filter((_, i) => sample.lossMask[i] === 1);
      t.equal(await tokenizer.decode(learned), expected.response + endOfTurn);
      t.ok(response.endsWith(expected.response), 'nothing of the response is lost but an opening tag');
    }
  });

t.test('what is given and what is learned make the whole trace, its tag once', async (t) => {
  const tokenizer = await loadTokenizer('test/golden/mix/tiny-r1');
  const response = '<think>\nhm\n</think>\n\n4';
  const text = sampleText(
    { prompt: [{ role: 'user', content: '2+2?' }], response },
    { tokenizer, systemPrompt: null },
  );
  if ('reason' in text) return t.fail(text.reason);
  t.equal(text.prompt + text.response, `<｜begin▁of▁sentence｜><｜User｜>2+2?<｜Assistant｜>${response}`);
});

t.test('the system prompt is for conversations that bring none', async (t) => {
  const tokenizer = await loadTokenizer('test/golden/mix/tiny-chatml');
  const promptOf = (prompt: ChatMessage[], systemPrompt: string | null) => {
    const text = sampleText({ prompt, response: 'a' }, { tokenizer, systemPrompt });
    return 'reason' in text ? text.reason : text.prompt;
  };
  const user = { role: 'user', content: 'q' };
  const own = { role: 'system', content: 'own' };
  const rendered = (system: string) =>
    `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n`;
  t.equal(promptOf([user], null), rendered('You are a helpful assistant'));
  t.equal(promptOf([user], 'Be brief.'), rendered('Be brief.'));
  t.equal(promptOf([own, user], 'Be brief.'), rendered('own'));
});

t.test('a template may refuse a conversation', (t) => {
  const refuse = () => {
    throw new Error('roles must alternate');
  };
  const text = sampleText(
    { prompt: [], response: 'a' },
    { tokenizer: { renderChat: refuse }, systemPrompt: null },
  );
  t.strictSame(text, { reason: 'refused_by_template' });
  t.end();
});

t.test('rules on length', async (t) => {
  const tokenizer = await loadTokenizer('test/golden/mix/tiny-chatml');
  const text = { prompt: 'aaaa', response: '1234' }; // 4 + 4 tokens and the end token
  const encodeWith = async (
    changed: Partial<Parameters<typeof sampleEncoder>[1]>,
    given: SampleText = text,
  ) => {
    const [outcome] = await (await sampleEncoder(tokenizer, { ...rules, ...changed }))([given]);
    return outcome && 'reason' in outcome ? outcome.reason : [...outcome!.lossMask].join('');
  };
  t.equal((await tokenizer.encode(text.prompt)).length, 4);
  t.equal(await encodeWith({}), '000011111');
  t.equal(await encodeWith({ max_tokens: 9 }), '000011111');
  t.equal(await encodeWith({ max_tokens: 8 }), 'too_long');
  t.equal(await encodeWith({ max_tokens: 8, overlength: 'truncate' }), '00001111');
  t.equal(await encodeWith({ max_tokens: 5, overlength: 'truncate' }), '00001');
  t.equal(await encodeWith({ max_tokens: 4, overlength: 'truncate' }), 'prompt_too_long');
  t.equal(
    await encodeWith({ max_tokens: 6, min_response_tokens: 3, overlength: 'truncate' }),
    'prompt_too_long',
  );
  t.equal(await encodeWith({ min_response_tokens: 5 }), 'response_too_short');
  t.equal(await encodeWith({ loss_on: 'all' }), '011111111');
  t.equal(await encodeWith({}, { prompt: 'a', response: 'b<|im_end|>c' }), 'contains_end_token');
});
