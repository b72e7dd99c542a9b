// What is learned under the published chat templates (test/golden/mix/templates): the answer and the token that ends it,
// nothing before and nothing after. The tokenizers are byte-level ones with the models' special tokens added; where
// tokens begin and end does not depend on which merges a tokenizer has.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadTokenizer, type ChatTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { sampleEncoder, sampleText } from '../../pipeline/mix/trainingSample.ts';
import { readJson } from '../readJson.ts';

const llama = {
  bos: '<|begin_of_text|>',
  end: '<|eot_id|>',
  tokens: ['<|begin_of_text|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>', '<|eot_id|>'],
  opening: '<|start_header_id|>assistant<|end_header_id|>\n\n',
};
const chatml = {
  bos: '<|im_start|>',
  end: '<|im_end|>',
  tokens: ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
  opening: '<|im_start|>assistant\n',
};
const r1 = {
  bos: '<｜begin▁of▁sentence｜>',
  end: '<｜end▁of▁sentence｜>',
  tokens: ['<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<｜User｜>', '<｜Assistant｜>'],
  opening: '<｜Assistant｜>',
};
const families = {
  smollm2: chatml,
  qwen2_5: chatml,
  llama3: llama,
  llama3_1: llama,
  llama3_2: llama,
  deepseek_r1_distill: r1,
};

const user = (content: string) => ({ role: 'user', content });
const prompts = [
  [user('How much is 2+2?')],
  [{ role: 'system', content: 'Be brief.' }, user('naïve 😀?')],
  [user('2+2?'), { role: 'assistant', content: '4' }, user('and 3+3?')],
];
const trace = '<think>\nOkay, 2+2 is 4.\n\nWait, is it?\n</think>\n\nThe answer is \\boxed{4}.';
const responses = ['4', ' It is 4.\n', '日本語 😀', 'How much is 2+2?', trace];

for (const [name, { bos, end, tokens, opening }] of Object.entries(families))
  t.test(name, async (t) => {
    const folder = t.testdir(tokenizerFiles({ template: `${name}.jinja`, bos, end, tokens }));
    const tokenizer = await loadTokenizer(folder);
    t.equal(tokenizer.endOfTurn(), end);
    for (const prompt of prompts)
      for (const response of responses) {
        const { given, learned } = await spans(tokenizer, { prompt, response });
        const opensThinking = name === 'deepseek_r1_distill' && response === trace;
        t.equal(learned, (opensThinking ? response.slice('<think>\n'.length) : response) + end);
        t.ok(given.endsWith(opensThinking ? `${opening}<think>\n` : opening), given);
        // Where the template leaves an assistant message as it is, it is the template itself that says so.
        const whole = tokenizer.renderChat([...prompt, { role: 'assistant', content: response }]);
        if (whole.includes(opening + response + end)) t.ok(whole.startsWith(given + learned), whole);
        else t.ok(response === trace || response.trim() !== response);
      }
  });

/** The tokens with loss mask 0 and those with 1, as text. */
async function spans(
  tokenizer: ChatTokenizer,
  conversation: Parameters<typeof sampleText>[0],
): Promise<{ given: string; learned: string }> {
  const rules = {
    max_tokens: 4000,
    overlength: 'drop',
    min_response_tokens: 1,
    loss_on: 'response',
  } as const;
  const text = sampleText(conversation, { tokenizer, systemPrompt: null });
  if ('reason' in text) throw new Error(text.reason);
  const [sample] = await (await sampleEncoder(tokenizer, rules))([text]);
  if (!sample || 'reason' in sample) throw new Error(sample?.reason);
  const { tokenIds, lossMask } = sample;
  const first = lossMask.indexOf(1);
  if (lossMask.subarray(first).includes(0)) throw new Error('what is learned is not one span');
  return {
    given: await tokenizer.decode(tokenIds.subarray(0, first)),
    learned: await tokenizer.decode(tokenIds.subarray(first)),
  };
}

/** The files of a model folder: a small byte-level tokenizer with other special tokens. */
function tokenizerFiles({
  template,
  bos,
  end,
  tokens,
}: {
  template: string;
  bos: string;
  end: string;
  tokens: string[];
}): Record<string, string> {
  const golden = 'test/golden/mix';
  const base = readJson(join(golden, 'tiny-chatml/tokenizer.json')) as {
    added_tokens: { id: number; content: string }[];
    model: { vocab: Record<string, number> };
  };
  const first = Object.keys(base.model.vocab).length;
  const shape = base.added_tokens[0]!;
  // The base's own special tokens become ordinary text, unless the template has them too.
  const kept = base.added_tokens.filter(({ content }) => tokens.includes(content));
  const others = tokens.filter((token) => !kept.some(({ content }) => content === token));
  const added = [...kept, ...others.map((content, i) => ({ ...shape, id: first + i, content }))];
  return {
    'tokenizer.json': JSON.stringify({ ...base, added_tokens: added }),
    'tokenizer_config.json': JSON.stringify({ bos_token: bos, eos_token: end }),
    'chat_template.jinja': readFileSync(join(golden, 'templates', template), 'utf8'),
  };
}
