// generation_config.json as it bears on greedy answers.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readGenerationSettings } from '../../pipeline/eval/answers/generationSettings.ts';

const read = (t: { testdir: () => string }, settings: object) => {
  const folder = t.testdir();
  writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(settings));
  return readGenerationSettings(folder);
};

t.test('what only concerns sampling is left out', async (t) => {
  const sampling = { do_sample: true, temperature: 0.6, top_p: 0.95, num_beams: 1, bad_words_ids: null };
  t.strictSame(await read(t, sampling), { repetitionPenalty: 1 });
  t.strictSame(await readGenerationSettings(t.testdir()), { repetitionPenalty: 1 }, 'no such file');
});

t.test('the repetition penalty is taken', async (t) => {
  t.strictSame(await read(t, { repetition_penalty: 1.1 }), { repetitionPenalty: 1.1 });
});

t.test('anything else is refused by name', async (t) => {
  await t.rejects(read(t, { num_beams: 4 }), { message: /generation_config\.json.*num_beams.*4/ });
  await t.rejects(read(t, { suppress_tokens: [3] }), { message: /suppress_tokens/ });
  await t.rejects(read(t, { repetition_penalty: 'high' }), { message: /repetition_penalty/ });
});
