// IFEval's checks against lm_eval 0.4.13's own code (test/golden/eval/ifeval/makeGoldens.py): verdicts, sentences,
// words, languages.
import t from 'tap';
import { detectLanguage } from '../../pipeline/eval/ifeval/detectLanguage.ts';
import { ifevalScores } from '../../pipeline/eval/ifeval/ifevalScores.ts';
import { INSTRUCTIONS } from '../../pipeline/eval/ifeval/instructions.ts';
import { splitSentences } from '../../pipeline/eval/ifeval/splitSentences.ts';
import { splitWords } from '../../pipeline/eval/ifeval/splitWords.ts';
import { readJson } from '../readJson.ts';

const GOLDEN = 'test/golden/eval/ifeval';

interface Verdicts {
  doc: { instruction_id_list: string[]; kwargs: Record<string, unknown>[] };
  response: string;
  scores: Record<string, boolean | boolean[]>;
}

t.test('every instruction: strict and loose verdicts equal the reference', (t) => {
  const cases = readJson(`${GOLDEN}/instructions.json`) as Verdicts[];
  for (const [i, { doc, response, scores }] of cases.entries()) {
    const expected = Object.entries(scores).map(([name, score]) => [
      name,
      typeof score === 'boolean' ? Number(score) : score,
    ]);
    t.strictSame(
      ifevalScores({ ...doc }, response),
      Object.fromEntries(expected),
      `${doc.instruction_id_list[0]!}, case ${i}`,
    );
  }
  const tried = new Set(cases.map(({ doc }) => doc.instruction_id_list[0]!));
  t.strictSame([...tried].sort(), Object.keys(INSTRUCTIONS).sort(), 'and each one is among the cases');
  for (const name of tried) {
    const verdicts = cases.filter(({ doc }) => doc.instruction_id_list[0] === name);
    const strict = new Set(verdicts.map(({ scores }) => (scores.inst_level_strict_acc as boolean[])[0]));
    t.equal(strict.size, 2, `${name} passes and fails`);
  }
  t.end();
});

t.test('sentences and words are those of nltk', (t) => {
  const cases = readJson(`${GOLDEN}/splits.json`) as { text: string; sentences: string[]; words: string[] }[];
  for (const [i, { text, sentences, words }] of cases.entries()) {
    t.strictSame(splitSentences(text), sentences, `sentences of text ${i}`);
    t.strictSame(splitWords(text), words, `words of text ${i}`);
  }
  t.end();
});

t.test('languages are those of langdetect with seed 0', (t) => {
  const cases = readJson(`${GOLDEN}/languages.json`) as { text: string; language: string | null }[];
  for (const [i, { text, language }] of cases.entries())
    t.equal(detectLanguage(text) ?? null, language, `language of text ${i}`);
  t.end();
});

t.test('bad prompts are named', (t) => {
  const doc = { instruction_id_list: ['keywords:unheard_of'], kwargs: [{}] };
  t.throws(() => ifevalScores(doc, 'x'), { message: /keywords:unheard_of.*no such instruction/ });
  const incomplete = { instruction_id_list: ['keywords:frequency'], kwargs: [{ keyword: 'a' }] };
  t.throws(() => ifevalScores(incomplete, 'x'), { message: /kwargs\.relation.*lacks/ });
  t.end();
});
