// Overlap of benchmark items with training texts: against all runs of words compared one by one.
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { findOverlap, type ItemText } from '../../pipeline/eval/scores/contamination.ts';

const THIRTEEN = 'One two three four five six seven eight nine ten eleven twelve thirteen';

t.test('thirteen words in a row, whatever their case and punctuation', async (t) => {
  const items: ItemText[] = [
    { id: 7, texts: [`Before. ${THIRTEEN}`] },
    { id: 3, texts: [`${THIRTEEN}, after`] },
    { id: 5, texts: [THIRTEEN.replace('seven', 'Siebzig')] },
  ];
  const mix = ['Nothing.', `(${THIRTEEN.toUpperCase().replaceAll(' ', ' - ')})!`];
  const overlap = await findOverlap(
    new Map([
      ['task', items],
      ['other', []],
    ]),
    mix,
  );
  t.strictSame(overlap.get('task'), { items: 3, ids: [3, 7] });
  t.strictSame(overlap.get('other'), { items: 0, ids: [] });
});

t.test('shorter items as a whole', async (t) => {
  const items: ItemText[] = [
    { id: 0, texts: ["Who's there?"] },
    { id: 1, texts: ['there who'] },
    { id: 2, texts: ['?!'] },
    { id: 3, texts: ['who s there'] },
  ];
  const overlap = await findOverlap(new Map([['task', items]]), ['knock knock – WHOS THERE – me']);
  t.strictSame(overlap.get('task'), { items: 4, ids: [0] });
});

t.test('an item of several texts is found by any, and once', async (t) => {
  const items: ItemText[] = [{ id: 4, texts: ['what is it', `${THIRTEEN} and more`] }];
  for (const text of ['So: what is it?', `${THIRTEEN} what is it`, 'is it'])
    t.strictSame(
      (await findOverlap(new Map([['task', items]]), [text])).get('task'),
      { items: 1, ids: text === 'is it' ? [] : [4] },
      text,
    );
});

t.test('as many as by comparing every run', async (t) => {
  const random = xoroshiro128plus(1);
  const text = (words: number) =>
    Array.from({ length: words }, () => `w${uniformInt(random, 0, 1)}`).join(' ');
  const items = Array.from({ length: 200 }, (_, id) => ({ id, texts: [text(uniformInt(random, 6, 24))] }));
  const mix = Array.from({ length: 60 }, () => `${text(30)} unheard ${text(20)}`);
  const wanted = items.filter((item) =>
    runs(item.texts[0]!).some((run) => mix.some((m) => ` ${m} `.includes(run))),
  );
  const overlap = await findOverlap(new Map([['task', items]]), mix);
  t.strictSame(
    overlap.get('task')!.ids,
    wanted.map(({ id }) => id),
  );
  t.ok(wanted.length > 20 && wanted.length < 180, 'some are found, some are not');
});

function runs(text: string): string[] {
  const words = text.split(' ');
  const length = Math.min(13, words.length);
  return Array.from(
    { length: words.length - length + 1 },
    (_, start) => ` ${words.slice(start, start + length).join(' ')} `,
  );
}
