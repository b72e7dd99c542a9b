// What a person wants of a run's TAP stream: a line a test file, all of a file that failed, and the counts.
// tap's own reporters move the cursor or print every assertion, also where nobody sits at a terminal.
// In the stream (TAP 14) the files stand at the margin and the tests of a file are indented by four.

/** Tests, not assertions: what `t.test` names at the top of a file. */
export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Reads the TAP lines of a run and prints what matters, each file as soon as it is through. */
export async function summarizeTap(
  tap: AsyncIterable<string> | Iterable<string>,
  print: (line: string) => void,
): Promise<Counts> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  let file = newFile('');
  for await (const line of tap) {
    const started = /^# Subtest: (.*)/.exec(line)?.[1];
    const [, indent, not, name] = /^( {4})?(not )?ok \d+(?: - )?(.*)/.exec(line) ?? [];
    if (started !== undefined) file = newFile(started);
    else if (name === undefined) file.lines.push(line);
    else if (indent) countTest(file, { line, isFailure: Boolean(not) });
    else {
      file.name ||= name; // a file that ran out of time may end without having been announced
      closeFile(file, { isFailure: Boolean(not), isSkipped: / # SKIP/i.test(name) });
      printFile(file, { isFailure: Boolean(not), print });
      for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += file[key];
      file = newFile('');
    }
    if (/^Bail out!|^ {2}(?:exitCode|signal|expired): (?!null)/.test(line)) print(line); // how it ended
  }
  return total;
}

interface TestFile extends Counts {
  name: string;
  lines: string[];
}

function newFile(name: string): TestFile {
  return { name, lines: [], passed: 0, failed: 0, skipped: 0 };
}

function countTest(file: TestFile, { line, isFailure }: { line: string; isFailure: boolean }): void {
  file.lines.push(line);
  if (/ # (?:SKIP|TODO)/i.test(line)) file.skipped += 1;
  else file[isFailure ? 'failed' : 'passed'] += 1;
}

/** A file can fail outside its tests, by crashing or running out of time, and be skipped without having any. */
function closeFile(
  file: TestFile,
  { isFailure, isSkipped }: { isFailure: boolean; isSkipped: boolean },
): void {
  if (isFailure && file.failed === 0) file.failed = 1;
  if (isSkipped && file.skipped === 0) file.skipped = 1;
}

function printFile(
  { name, lines, ...counts }: TestFile,
  { isFailure, print }: { isFailure: boolean; print: (line: string) => void },
): void {
  print(`${isFailure ? 'not ok' : 'ok'} ${name}: ${countsLine(counts)}`);
  for (const line of lines) if (isFailure || /^ {4}(?:not )?ok .* # (?:SKIP|TODO)/i.test(line)) print(line);
}

/** `N passed, N failed`, and `, N skipped` when there are such. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
