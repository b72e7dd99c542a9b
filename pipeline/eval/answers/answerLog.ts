// A model's answers as they come, one JSON line each, so that a killed evaluation asks only what is not yet answered.
// The first line is the fingerprint of what was asked of whom; under another one the file begins anew. From the first
// line on that was cut by the end of the process, or of the machine, all is dropped.
import { appendFile } from 'node:fs/promises';
import { commitBytes } from '../../artifact/commitFile.ts';
import { findText } from '../../artifact/optionalFiles.ts';

/** An answer and the number of the request it belongs to. */
export interface Numbered<A> {
  index: number;
  answer: A;
}

export interface AnswerLog<A> {
  answers: ReadonlyMap<number, A>;
  /** Adds to the file and to `answers`. */
  append: (entries: readonly Numbered<A>[]) => Promise<void>;
}

/** Opens or begins the log of `fingerprint` at `path`. */
export async function openAnswerLog<A>(path: string, fingerprint: string): Promise<AnswerLog<A>> {
  const lines = ((await findText(path)) ?? '').split('\n').slice(0, -1); // a whole line ends with a line break
  const isSame = lines[0] === JSON.stringify(fingerprint);
  const entries = isSame ? wholeEntries<A>(lines.slice(1)) : [];
  await commitBytes(path, [fingerprint, ...entries].map(line).join(''));
  const answers = new Map(entries.map(({ index, answer }) => [index, answer]));
  return {
    answers,
    append: async (more) => {
      await appendFile(path, more.map(line).join(''));
      for (const { index, answer } of more) answers.set(index, answer);
    },
  };
}

function wholeEntries<A>(lines: readonly string[]): Numbered<A>[] {
  const entries: Numbered<A>[] = [];
  try {
    for (const text of lines) entries.push(JSON.parse(text) as Numbered<A>);
  } catch {
    // what the machine did not write before it went down
  }
  return entries;
}

function line(value: unknown): string {
  return JSON.stringify(value) + '\n';
}
