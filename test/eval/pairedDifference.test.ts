// Differences between two models: against scipy (test/golden/eval/makePaired.py), and how often the interval holds the
// true difference.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import {
  compareScores,
  differenceTable,
  type ScoresByTask,
} from '../../pipeline/eval/scores/compareScores.ts';
import type { Score } from '../../pipeline/eval/scores/itemScores.ts';
import { mcNemarTest } from '../../pipeline/eval/scores/mcNemar.ts';
import { differenceSentence, pairedDifference } from '../../pipeline/eval/scores/pairedDifference.ts';
import { readJson } from '../readJson.ts';

const golden = readJson('test/golden/eval/paired.json') as {
  cases: {
    before: number[];
    after: number[];
    difference: number;
    stderr: number;
    interval: [number, number];
  }[];
  tests: { gained: number; lost: number; p: number }[];
};

t.test('McNemar’s test is the exact binomial test', (t) => {
  for (const { gained, lost, p } of golden.tests)
    t.ok(Math.abs(mcNemarTest({ gained, lost }) / p - 1) < 1e-10, `${gained} to ${lost}: p = ${p}`);
  t.end();
});

t.test('bootstrap intervals', (t) => {
  for (const [i, { before, after, difference, stderr, interval }] of golden.cases.entries()) {
    const found = pairedDifference([{ before, after }]);
    t.ok(Math.abs(found.difference - difference) < 1e-12, `difference ${i}`);
    // the 2.5 % quantile of 10,000 normal draws has a standard error of 0.027 standard deviations
    for (const end of [0, 1] as const)
      t.ok(Math.abs(found.interval[end] - interval[end]) < 4 * 0.027 * stderr, `end ${end} of interval ${i}`);
    t.strictSame(pairedDifference([{ before, after }]), found, 'the same every time');
  }
  const { before, after } = golden.cases[2]!; // of real numbers
  const [first, second] = [0, 1].map((seed) => pairedDifference([{ before, after }], { seed }).interval[0]);
  t.not(first, second, 'another seed, another draw');
  t.end();
});

t.test('the interval holds the true difference in about 95 of 100 samples', (t) => {
  const random = xoroshiro128plus(3);
  const draw = () => uniformFloat64(random);
  const samples = Array.from({ length: 400 }, () => {
    const before = Array.from({ length: 120 }, () => (draw() < 0.5 ? 1 : 0));
    const after = before.map((right) => (draw() < (right ? 0.9 : 0.3) ? 1 : 0)); // by 0.1 better
    return pairedDifference([{ before, after }], { resamples: 800 });
  });
  const holding = samples.filter(({ interval: [low, high] }) => low <= 0.1 && high >= 0.1).length;
  t.ok(holding >= 367 && holding <= 393, `${holding} of 400`); // 380 expected, 3 standard errors of 4.36
  t.end();
});

t.test('without a true difference about 5 of 100 are called more than noise', (t) => {
  const random = xoroshiro128plus(4);
  const scores = (n: number) => Array.from({ length: n }, () => (uniformFloat64(random) < 0.4 ? 1 : 0));
  const called = Array.from({ length: 400 }, () =>
    pairedDifference([{ before: scores(150), after: scores(150) }], { resamples: 400 }),
  ).filter(({ isNoise }) => !isNoise).length;
  t.ok(called >= 3 && called <= 33, `${called} of 400`); // McNemar's exact test errs to the side of noise
  t.end();
});

t.test('groups weigh items or tasks; lists of verdicts count one by one', (t) => {
  const small = { before: [0, 0], after: [1, 1] };
  const large = { before: [1, 1, 0, 0, 1, 0], after: [1, 0, 0, 0, 1, 0] };
  const bySize = pairedDifference([small, large]);
  t.match(bySize, { before: 3 / 8, after: 4 / 8, difference: 1 / 8, items: 8, pValue: 1 });
  const byTask = pairedDifference([small, large], { weight_by_size: false });
  t.match(byTask, { before: 1 / 4, after: (1 + 1 / 3) / 2, pValue: undefined });
  t.ok(Math.abs(byTask.difference - (1 - 1 / 6) / 2) < 1e-12);
  const lists = pairedDifference([{ before: [[true, false], [false]], after: [[true, true], [false]] }]);
  t.match(lists, { before: 1 / 3, after: 2 / 3, items: 2, pValue: undefined });
  const same = pairedDifference([{ before: [1, 0], after: [1, 0] }]);
  t.match(same, { interval: [0, 0], pValue: 1, isNoise: true });
  t.throws(() => pairedDifference([{ before: [1], after: [] }]), /cannot be paired/);
  t.end();
});

t.test('words and table', (t) => {
  const scores = (values: Score[], metric = 'acc,none') =>
    new Map(values.map((value, docId) => [docId, { [metric]: value }]));
  const zeros = Array.from({ length: 20 }, () => 0);
  const gained = zeros.map((_, i) => (i < 12 ? 1 : 0));
  const before: ScoresByTask = new Map([
    ['first', scores(zeros)],
    ['second', scores([1, 0, 1])],
    ['alone', scores([1])],
  ]);
  const after: ScoresByTask = new Map([
    ['first', scores(gained)],
    ['second', scores([1, 1])],
  ]);
  const groups = [
    { group: 'both', tasks: ['first', 'second'], metrics: [{ metric: 'acc' }] },
    { group: 'incomplete', tasks: ['first', 'alone'], metrics: [{ metric: 'acc' }] },
  ];
  const rows = compareScores(before, after, { groups });
  t.strictSame(rows.map(({ task, items }) => [task, items]), [['first', 20], ['second', 2], ['both', 22]]); // prettier-ignore
  t.equal(
    differenceSentence(rows[0]!),
    '+60.00 points (95 % interval +40.00 to +80.00, p < 0.001): more than noise',
  );
  t.match(differenceSentence(rows[1]!), /^\+50\.00 points .*: may be noise$/);
  const [head, first, second] = differenceTable(rows).split('\n');
  t.match(head, /^task +metric +before +after +difference +95 % interval +p$/);
  t.match(first, /^first +acc +0\.00 +60\.00 +\+60\.00 +\+40\.00 to \+80\.00 +< 0\.001 +more than noise$/);
  t.match(second, /^second +acc +50\.00 +100\.00 +\+50\.00 +0\.00 to \+100\.00 +1\.000 +may be noise$/);
  t.end();
});
