// Python's str.strip, str.capitalize and ast.literal_eval of a list of strings, where JavaScript's nearest means differ:
// benchmark prompts are compared byte for byte with those of a harness written in Python.

/** What str.isspace holds for white space; unlike JavaScript's \s with U+001C to U+001F and U+0085, without U+FEFF. */
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const OUTER_SPACE = new RegExp(`^${SPACE}+|${SPACE}+$`, 'g');

/** Without white space at both ends. */
export function strip(text: string): string {
  return text.replaceAll(OUTER_SPACE, '');
}

/** The first character in upper case (title case, for one that becomes several), all others in lower case. */
export function capitalize(text: string): string {
  const [first = ''] = text;
  const [upper = '', ...more] = first.toUpperCase();
  return upper + more.join('').toLowerCase() + text.slice(first.length).toLowerCase();
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

/**
 * The strings of a list as Python's repr writes it, such as `['Ann', "Bob's"]`.
 * @throws Error when it is anything else.
 */
export function parseStringList(text: string): string[] {
  const string = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
  const list = strip(text);
  if (!/^\[(S(,S)*,?)?\]$/.test(list.replaceAll(string, 'S').replaceAll(/\s+/g, '')))
    throw new Error(`not a Python list of strings: ${text}`);
  return (list.match(string) ?? []).map((quoted) => unescape(quoted.slice(1, -1)));
}

function unescape(body: string): string {
  return body.replaceAll(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/g,
    (whole, x, u, long, other) => {
      const code = (x ?? u ?? long) as string | undefined;
      return code === undefined
        ? (ESCAPES[other as string] ?? whole)
        : String.fromCodePoint(parseInt(code, 16));
    },
  );
}
