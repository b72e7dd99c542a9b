// Selection against a full sort, and quotas by hand.
import t from 'tap';
import { byRank, lowestRanked, quotas, rankOf } from '../../pipeline/mix/selection.ts';

const candidates = Array.from({ length: 2000 }, (_, n) => ({
  id: `id ${n % 1500}`, // every third id twice, under different ranks
  rank: rankOf(7, 'choice', String(n)),
}));

t.test('the lowest of a stream, in any order', (t) => {
  const distinct = new Map<string, (typeof candidates)[number]>();
  for (const candidate of candidates.toSorted(byRank))
    if (!distinct.has(candidate.id)) distinct.set(candidate.id, candidate);
  const orders = [
    candidates,
    candidates.toReversed(),
    candidates.toSorted(byRank),
    candidates.toSorted(byRank).reverse(),
  ];
  for (const size of [0, 1, 10, 333, 5000])
    for (const order of orders) {
      const lowest = lowestRanked<(typeof candidates)[number]>({ size });
      for (const candidate of order) if (lowest.admits(candidate.rank)) lowest.add(candidate);
      t.strictSame(lowest.members(), [...distinct.values()].slice(0, size));
    }
  t.end();
});

t.test('few candidates of a long stream are looked into', (t) => {
  const lowest = lowestRanked<(typeof candidates)[number]>({ size: 20 });
  let admitted = 0;
  for (const candidate of candidates)
    if (lowest.admits(candidate.rank)) {
      admitted += 1;
      lowest.add(candidate);
    }
  t.ok(admitted < 200, `${admitted} of 2000`);
  t.end();
});

t.test('those above a rank: the next of the same stream', (t) => {
  const all = lowestRanked<(typeof candidates)[number]>({ size: 5000 });
  for (const candidate of candidates) all.add(candidate);
  t.equal(all.members().length, 1500);
  t.equal(all.limit(), undefined, 'none is missing');
  const ranked = all.members();
  const next = lowestRanked<(typeof candidates)[number]>({ size: 10, above: ranked[99]!.rank });
  for (const candidate of ranked.toReversed()) if (next.admits(candidate.rank)) next.add(candidate);
  t.strictSame(next.members(), ranked.slice(100, 110));
  t.equal(next.limit(), ranked[109]!.rank);
  t.end();
});

t.test('twins: the lower rank stays, the other is given back', (t) => {
  const lowest = lowestRanked<{ id: string; rank: string }>({ size: 5 });
  const [low, high] = [
    { id: 'a', rank: '1' },
    { id: 'a', rank: '2' },
  ];
  t.equal(lowest.add(high), undefined);
  t.strictSame(lowest.add(low), { kept: low, dropped: high });
  t.strictSame(lowest.add(high), { kept: low, dropped: high });
  t.strictSame(lowest.members(), [low]);
  t.end();
});

t.test('ranks depend on seed, purpose and content', (t) => {
  const ranks = [
    rankOf(1, 'choice', 'x'),
    rankOf(2, 'choice', 'x'),
    rankOf(1, 'order', 'x'),
    rankOf(1, 'choice', 'y'),
  ];
  t.equal(new Set(ranks).size, 4);
  t.equal(rankOf(1, 'choice', 'x'), ranks[0]);
  t.end();
});

t.test('quotas', (t) => {
  const weight = (value: number) => ({ weight: value, format: 'orca_math' as const });
  const count = (value: number) => ({ count: value, format: 'orca_math' as const });
  t.strictSame(quotas({ total: 10, sources: { a: weight(1), b: weight(1), c: weight(1) } }), {
    a: 4,
    b: 3,
    c: 3,
  });
  t.strictSame(quotas({ total: 100, sources: { a: weight(0.5), b: weight(1.5) } }), { a: 25, b: 75 });
  t.strictSame(quotas({ total: 10, sources: { b: weight(2), a: count(3), c: weight(1) } }), {
    a: 3,
    b: 5,
    c: 2,
  });
  t.strictSame(quotas({ total: 5, sources: { a: count(5) } }), { a: 5 });
  const five = { a: weight(8), b: weight(10), c: weight(5), d: weight(6), e: weight(6) };
  t.strictSame(quotas({ total: 35000, sources: five }), { a: 8000, b: 10000, c: 5000, d: 6000, e: 6000 });
  t.end();
});
