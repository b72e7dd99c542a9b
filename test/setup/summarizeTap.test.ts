// The count that closes `make test`, on the kinds of outcome tap writes.
import t from 'tap';
import { countsLine, summarizeTap } from '../summarizeTap.ts';

const RUN = `TAP version 14
1..5
# Subtest: test/good.test.ts
    # Subtest: one
        ok 1 - should be equal
        1..1
    ok 1 - one # time=1.7ms
    # Subtest: two
        # Subtest: inner
            not ok 1 - an assertion is not a test # TODO
        ok 1 - inner
    ok 2 - two # time=1.7ms
    ok 3 - three # SKIP needs ../shared
    1..3
ok 1 - test/good.test.ts # time=21ms

# Subtest: test/bad.test.ts
    ok 1 - fine
    # Subtest: wrong
        not ok 1 - should be equal
          ---
          diff: "-2 +1"
          ...
    not ok 2 - wrong # time=2ms
not ok 2 - test/bad.test.ts # time=21ms
  ---
  exitCode: 1
  signal: null
  ...

# Subtest: test/crashed.test.ts
    1..0 # no tests found
not ok 3 - test/crashed.test.ts # time=1144ms
  ---
  exitCode: 134
  ...

ok 4 - test/gpu.test.ts # SKIP no GPU
not ok 5 - timeout!
  ---
  expired: test/slow.test.ts
  ...
`;

t.test('counts the tests of each file; a file that ends badly counts as one', async (t) => {
  const printed: string[] = [];
  const counts = await summarizeTap(RUN.split('\n'), (line) => printed.push(line));
  t.same(counts, { passed: 3, failed: 3, skipped: 2 });
  t.equal(countsLine(counts), '3 passed, 3 failed, 2 skipped');
  t.same(printed.slice(0, 2), [
    'ok test/good.test.ts: 2 passed, 0 failed, 1 skipped',
    '    ok 3 - three # SKIP needs ../shared',
  ]);
  t.ok(printed.includes('          diff: "-2 +1"'), 'a failed file is shown whole');
  t.ok(printed.includes('  exitCode: 134') && printed.includes('  expired: test/slow.test.ts'));
  t.notOk(printed.join('\n').includes('should be equal\n        1..1'), 'a passed one is not');
});

t.test('without skipped tests they are not mentioned', (t) => {
  t.equal(countsLine({ passed: 2, failed: 0, skipped: 0 }), '2 passed, 0 failed');
  t.end();
});
