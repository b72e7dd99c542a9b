// What a killed evaluation finds of its answers.
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openAnswerLog } from '../../pipeline/eval/answers/answerLog.ts';

t.test('answers are found again, a line that was cut is not', async (t) => {
  const path = join(t.testdir(), 'answers.jsonl');
  const log = await openAnswerLog<string>(path, 'a');
  await log.append([
    { index: 3, answer: 'three' },
    { index: 0, answer: 'line\nbreak' },
  ]);
  await appendFile(path, '{"index":7,"ans');
  const again = await openAnswerLog<string>(path, 'a');
  t.same([...again.answers], [[3, 'three'], [0, 'line\nbreak']]); // prettier-ignore
  await again.append([{ index: 7, answer: 'seven' }]);
  t.equal(
    (await openAnswerLog<string>(path, 'a')).answers.get(7),
    'seven',
    'what follows a cut line is whole',
  );
});

t.test('answers to other questions do not count', async (t) => {
  const path = join(t.testdir(), 'answers.jsonl');
  await (await openAnswerLog<number>(path, 'a')).append([{ index: 0, answer: 1 }]);
  t.equal((await openAnswerLog<number>(path, 'b')).answers.size, 0);
  t.equal(await readFile(path, 'utf8'), '"b"\n');
});
