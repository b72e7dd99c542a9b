// Code tasks are kept as Markdown, so that their code stays code: it can be read, run, and tested as it stands.
// A task is a "## name" with "> wordings of the request", one fenced solution (and perhaps a faulty version to be mended),
// "- call -> value" examples, and "Note: explanations". Examples run in the order in which they are listed.
import { readFileSync } from 'node:fs';

export interface CodeTask {
  name: string;
  language: string;
  asks: string[];
  /** For a task of the kind "find the mistake": the code that is given. */
  broken?: string;
  code: string;
  examples: { call: string; value: string }[];
  notes: string[];
}

const FILES = [
  'pythonText',
  'pythonNumbers',
  'pythonLists',
  'pythonPrograms',
  'pythonFixes',
  'javascriptBasics',
  'javascriptPrograms',
  'sql',
];

export function readCodeTasks(): CodeTask[] {
  return FILES.flatMap((file) =>
    readFileSync(new URL(`codeTasks/${file}.md`, import.meta.url), 'utf8')
      .split(/^## /m)
      .slice(1)
      .map(parseTask),
  );
}

function parseTask(text: string): CodeTask {
  const blocks = [...text.matchAll(/^```(\w+)( broken)?\n(.*?)\n```$/gms)];
  const solution = blocks.find(([, , broken]) => !broken)!;
  const faulty = blocks.find(([, , broken]) => broken);
  return {
    name: text.slice(0, text.indexOf('\n')),
    language: solution[1]!,
    asks: lines(text, '> '),
    ...(faulty && { broken: faulty[3]! }),
    code: solution[3]!,
    examples: lines(text, '- ').map((line) => {
      const [call, value] = line.split(/ -> (?!.* -> )/) as [string, string];
      return { call, value };
    }),
    notes: lines(text, 'Note: '),
  };
}

function lines(text: string, prefix: string): string[] {
  return text.split('\n').flatMap((line) => (line.startsWith(prefix) ? [line.slice(prefix.length)] : []));
}
