// Patterns of Python's `re` as JavaScript regular expressions. Task files and IFEval's keywords hold Python patterns,
// and the two dialects disagree quietly: `$` also matches before a final newline in Python, `.` excludes only "\n",
// \d \w \s \b speak Unicode and \s has other members, and an escaped letter or stray brace may be an error in
// JavaScript. The translation goes character by character into the `v` dialect, whose classes nest.
import { SPACE } from './pythonStrings.ts';

/** Python's flags, as `re` names them. */
export interface PythonRegexFlags {
  ignoreCase?: boolean;
  multiline?: boolean;
  dotAll?: boolean;
}

/** str.isalnum() and the underscore: no combining marks, unlike in Unicode's own definition of a word. */
const WORD = String.raw`\p{L}\p{N}_`;
const CLASSES: Record<string, string> = {
  d: String.raw`\p{Nd}`,
  D: String.raw`\P{Nd}`,
  s: `[${SPACE}]`,
  S: `[^${SPACE}]`,
  w: `[${WORD}]`,
  W: `[^${WORD}]`,
};
const END = String.raw`(?![\s\S])`;
const START = String.raw`(?<![\s\S])`;
const ANCHORS: Record<string, string> = {
  A: START,
  Z: END,
  b: `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`,
  B: `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`,
};
const QUANTIFIER = /\{\d*,?\d*\}/y;

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

function translate(pattern: string, { multiline, dotAll }: { multiline: boolean; dotAll: boolean }): string {
  let out = '';
  for (let i = 0; i < pattern.length;) {
    const char = pattern[i]!;
    if (char === '\\') {
      const escaped = String.fromCodePoint(pattern.codePointAt(i + 1)!);
      out += CLASSES[escaped] ?? ANCHORS[escaped] ?? escapeOf(escaped);
      i += 1 + escaped.length;
    } else if (char === '[') {
      const end = classEnd(pattern, i);
      out += translateClass(pattern.slice(i + 1, end));
      i = end + 1;
    } else {
      const [text, length] = translateAt(pattern, i, { multiline, dotAll });
      out += text;
      i += length;
    }
  }
  return out;
}

/** What stands at `i`, neither an escape nor a class: its translation and its length. */
function translateAt(
  pattern: string,
  i: number,
  { multiline, dotAll }: { multiline: boolean; dotAll: boolean },
): [string, number] {
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

function translateClass(members: string): string {
  const negated = members.startsWith('^');
  const body = negated ? members.slice(1) : members;
  const out = body.replace(
    /\\(.)|((?<=.)-(?=.))|[^\\]/gsu,
    (part: string, escaped: string | undefined, range: string | undefined) =>
      escaped === undefined ? (range ?? literal(part)) : (CLASSES[escaped] ?? escapeOf(escaped)),
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
