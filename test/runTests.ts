// `make test`: runs tap (its settings are in package.json) over all test files, or those named, and closes with the counts.
//   node --import tsx test/runTests.ts [FILE...]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { countsLine, summarizeTap } from './summarizeTap.ts';

const root = join(import.meta.dirname, '..');
const tap = spawn(
  process.execPath,
  [join(root, 'node_modules/tap/dist/esm/run.mjs'), '--reporter=tap', '--no-color', ...process.argv.slice(2)],
  { stdio: ['ignore', 'pipe', 'inherit'], cwd: root },
);
const ended = once(tap, 'close') as Promise<[number | null]>;
const counts = await summarizeTap(createInterface({ input: tap.stdout }), (line) => console.log(line));
const [code] = await ended;
console.log(countsLine(counts));
process.exitCode = code === 0 && counts.failed === 0 && counts.passed > 0 ? 0 : 1;
