// Methods of Python's str whose JavaScript namesakes disagree on details that decide verdicts: which characters are
// white space, and what counts as upper or lower case.

/** What str.isspace() says yes to, as members of a regular expression's class. */
export const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const LEADING = new RegExp(`^[${SPACE}]+`);
const TRAILING = new RegExp(`[${SPACE}]+$`);
const BETWEEN = new RegExp(`[${SPACE}]+`);

/** str.strip() without arguments. */
export function strip(text: string): string {
  return stripEnd(text.replace(LEADING, ''));
}

/** str.rstrip() without arguments. */
export function stripEnd(text: string): string {
  return text.replace(TRAILING, '');
}

/** str.strip(chars), for one character. */
export function stripCharacter(text: string, character: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === character) start += 1;
  while (end > start && text[end - 1] === character) end -= 1;
  return text.slice(start, end);
}

/** str.split() without arguments. */
export function words(text: string): string[] {
  const stripped = strip(text);
  return stripped === '' ? [] : stripped.split(BETWEEN);
}

/** str.isupper(): some letter has case, and none is lower or title case. */
export function isUpper(text: string): boolean {
  return /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);
}

/** str.islower(): some letter has case, and none is upper or title case. */
export function isLower(text: string): boolean {
  return /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);
}

/** len(): the number of code points. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}
