// Patterns of Python's `re` as JavaScript regular expressions. Task files and IFEval's keywords hold Python patterns,
// and the two dialects disagree quietly: `$` also matches before a final newline in Python, `.` excludes only "\n",
// \d \w \s \b speak Unicode and \s has other members, and an escaped letter or stray brace may be an error in
// JavaScript. The translation goes character by character into the `v` dialect, whose classes nest.
import { SPACE } from '../prompts/pythonText.ts';

/** Python's flags, as `re` names them. */
export interface PythonRegexFlags {
  ignoreCase?: boolean;
  multiline?: boolean;
  dotAll?: boolean;
  dialect?: Dialect;
}

/** Whose `\w` and `\s`: of the standard library, or of the package `regex`, which NLTK has used since 3.10. */
export type Dialect = 're' | 'regex';

interface Tables {
  classes: Record<string, string>;
  anchors: Record<string, string>;
}

const END = String.raw`(?![\s\S])`;
const START = String.raw`(?<![\s\S])`;
/** `re`: str.isalnum() and the underscore. `regex`: a word by Unicode's definition, combining marks included. */
const DIALECTS: Record<Dialect, Tables> = {
  re: tables({ word: String.raw`\p{L}\p{N}_`, space: SPACE }),
  regex: tables({
    word: String.raw`\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}`,
    space: '\\p{White_Space}',
  }),
};
const QUANTIFIER = /\{\d*,?\d*\}/y;

function tables({ word, space }: { word: string; space: string }): Tables {
  return {
    classes: {
      d: String.raw`\p{Nd}`,
      D: String.raw`\P{Nd}`,
      s: `[${space}]`,
      S: `[^${space}]`,
      w: `[${word}]`,
      W: `[^${word}]`,
    },
    anchors: {
      A: START,
      Z: END,
      b: `(?:(?<=[${word}])(?![${word}])|(?<![${word}])(?=[${word}]))`,
      B: `(?:(?<=[${word}])(?=[${word}])|(?<![${word}])(?![${word}]))`,
    },
  };
}

/**
 * The JavaScript form of a Python pattern, with the flag `g`; inline flags may stand at its start, as in `(?s).*`.
 * Not known: conditions, comments, atomic groups and possessive quantifiers, which no task uses.
 */
export function pythonRegex(pattern: string, flags: PythonRegexFlags = {}): RegExp {
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  const has = (flag: string, given: boolean | undefined) => given ?? inline?.[1]!.includes(flag) ?? false;
  const source = translate(pattern.slice(inline?.[0].length ?? 0), {
    multiline: has('m', flags.multiline),
    dotAll: has('s', flags.dotAll),
    ...DIALECTS[flags.dialect ?? 're'],
  });
  return new RegExp(source, has('i', flags.ignoreCase) ? 'giv' : 'gv');
}

/** `re.findall`: all matches; the first group where there is one, a list where there are several. */
export function findAll(pattern: RegExp, text: string): (string | string[])[] {
  return [...text.matchAll(pattern)].map(([whole, ...groups]) => {
    const texts = groups.map((group: string | undefined) => group ?? '');
    return texts.length > 1 ? texts : (texts[0] ?? whole);
  });
}

/** Whether the pattern matches anywhere, as `re.search` says. */
export function searches(pattern: RegExp, text: string): boolean {
  return text.search(pattern) >= 0;
}

/** How many matches `re.findall` would return. */
export function countMatches(pattern: RegExp, text: string): number {
  return [...text.matchAll(pattern)].length;
}

interface Translation extends Tables {
  multiline: boolean;
  dotAll: boolean;
}

function translate(pattern: string, how: Translation): string {
  let out = '';
  for (let i = 0; i < pattern.length;) {
    const char = pattern[i]!;
    if (char === '\\') {
      const escaped = String.fromCodePoint(pattern.codePointAt(i + 1)!);
      out += how.classes[escaped] ?? how.anchors[escaped] ?? escapeOf(escaped);
      i += 1 + escaped.length;
    } else if (char === '[') {
      const end = classEnd(pattern, i);
      out += translateClass(pattern.slice(i + 1, end), how);
      i = end + 1;
    } else {
      const [text, length] = translateAt(pattern, i, how);
      out += text;
      i += length;
    }
  }
  return out;
}

/** What stands at `i`, neither an escape nor a class: its translation and its length. */
function translateAt(pattern: string, i: number, { multiline, dotAll }: Translation): [string, number] {
  const char = pattern[i]!;
  if (char === '.') return [dotAll ? '[\\s\\S]' : '[^\\n]', 1];
  if (char === '^') return [multiline ? `(?<=\\n|${START})` : START, 1];
  if (char === '$') return [multiline ? `(?=\\n|${END})` : `(?=\\n?${END})`, 1];
  if (pattern.startsWith('(?P<', i)) return ['(?<', 4];
  if (char === '{') {
    QUANTIFIER.lastIndex = i;
    const quantifier = QUANTIFIER.exec(pattern)?.[0];
    if (quantifier && /\d/.test(quantifier)) return [quantifier.replace('{,', '{0,'), quantifier.length];
  }
  return [/[{}\]/]/.test(char) ? `\\${char}` : char, 1];
}

/** Where the class that opens at `start` closes; a bracket that comes first is a member. */
function classEnd(pattern: string, start: number): number {
  let i = start + (pattern[start + 1] === '^' ? 2 : 1);
  if (pattern[i] === ']') i += 1;
  while (i < pattern.length && pattern[i] !== ']') i += pattern[i] === '\\' ? 2 : 1;
  return i;
}

function translateClass(members: string, { classes }: Translation): string {
  const negated = members.startsWith('^');
  const body = negated ? members.slice(1) : members;
  const out = body.replace(
    /\\(.)|((?<=.)-(?=.))|[^\\]/gsu,
    (part: string, escaped: string | undefined, range: string | undefined) =>
      escaped === undefined ? (range ?? literal(part)) : (classes[escaped] ?? escapeOf(escaped)),
  );
  return `[${negated ? '^' : ''}${out}]`;
}

/** An escape outside the tables: control characters and back-references stay, anything else stands for itself. */
function escapeOf(char: string): string {
  return /[1-9nrtfvxu]/.test(char) ? `\\${char}` : char === 'a' ? '\\x07' : literal(char);
}

function literal(char: string): string {
  return /[\^$\\.*+?()[\]{}|/&\-!#%,:;<=>@`~]/.test(char) ? `\\x${char.charCodeAt(0).toString(16)}` : char;
}
