// 500 damaged inputs (damagedInputs.ts): each is made into a mix after all, or refused in one line that names it. They
// run in a process of their own, which is ended when a case takes longer than any should, or too much memory.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';

/** A case takes some milliseconds; what takes this long hangs. */
const patienceSeconds = 60;

interface Said {
  name?: string;
  folder?: string;
  outcome?: 'made' | 'refused' | 'bug';
  message?: string;
  peakBytes?: number;
}

t.test('damaged inputs', { timeout: 280_000 }, async (t) => {
  const folder = t.testdir({});
  const script = ['--max-old-space-size=1000', '--import', 'tsx', 'test/mix/damagedInputs.ts', folder];
  const child = spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'inherit'] });
  let current: Said = {};
  const end = () => {
    t.fail(`hangs: ${current.name}`);
    child.kill('SIGKILL');
  };
  let watchdog = setTimeout(end, 1000 * patienceSeconds);
  const counts = { made: 0, refused: 0, bug: 0 };
  const wrong: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    clearTimeout(watchdog);
    watchdog = setTimeout(end, 1000 * patienceSeconds);
    const said = JSON.parse(line) as Said;
    if (said.peakBytes !== undefined) t.ok(said.peakBytes < 2 ** 30, `${said.peakBytes} bytes at most`);
    if (said.name !== undefined) current = said;
    if (said.outcome === undefined) continue;
    counts[said.outcome] += 1;
    const problem = problemOf({ ...current, ...said });
    if (problem) wrong.push(JSON.stringify(`${current.name}: ${problem}`));
  }
  clearTimeout(watchdog);
  t.strictSame(wrong, []);
  t.equal(counts.made + counts.refused, 500);
  t.ok(counts.refused > 300 && counts.made > 30, JSON.stringify(counts));
});

function problemOf({ outcome, folder = '', message = '' }: Said): string | undefined {
  if (outcome === 'made') return undefined;
  if (outcome === 'bug' || /\p{Cc}/u.test(message)) return message;
  // Rows that are whole but give no sample are told of by source and reason.
  const saysWhy =
    /^sources\.one: none of its \d+ rows can be taken; left out: \w+ \d+|rejected rows: one: |the sources hold no rows/;
  const names = message.startsWith(folder) || saysWhy.test(message);
  if (!names) return message;
  const left = existsSync(join(folder, 'mix')) ? readdirSync(join(folder, 'mix')) : [];
  const unexpected = left.filter((file) => file !== 'rejected.jsonl');
  return unexpected.length > 0 ? `leaves ${unexpected.join(', ')}` : undefined;
}
