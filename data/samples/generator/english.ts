// The grammar that templates need: plurals, articles, counted nouns, amounts, lists, sentence case.
// Nouns are given in the singular; a phrase such as "bag of rice" takes its plural at the head.
import { PROPER_NOUNS } from './people.ts';

const IRREGULAR: Record<string, string> = {
  child: 'children',
  foot: 'feet',
  inch: 'inches',
  goose: 'geese',
  half: 'halves',
  knife: 'knives',
  leaf: 'leaves',
  loaf: 'loaves',
  mouse: 'mice',
  person: 'people',
  sheep: 'sheep',
  shelf: 'shelves',
  scarf: 'scarves',
  woman: 'women',
  man: 'men',
};

/** "box" -> "boxes", "bag of rice" -> "bags of rice", "square foot" -> "square feet". */
export function plural(noun: string): string {
  const [head = '', ...tail] = noun.split(/(?= (?:of|per|with) )/);
  const words = head.split(' ');
  const last = words.pop()!;
  return [...words, pluralWord(last)].join(' ') + tail.join('');
}

function pluralWord(word: string): string {
  if (IRREGULAR[word]) return IRREGULAR[word];
  if (/[^aeiou]y$/.test(word)) return word.slice(0, -1) + 'ies';
  return /(?:s|x|z|ch|sh|tomato|potato|mango)$/.test(word) ? word + 'es' : word + 's';
}

/** "1 pen", "4 pens", "x pens". */
export function counted(amount: number | string, noun: string): string {
  const shown = typeof amount === 'number' ? decimal(amount) : amount;
  return `${shown} ${amount === 1 ? noun : plural(noun)}`;
}

/** "2 hours and 5 minutes"; what there is none of is left out. */
export function measured(...parts: [amount: number, noun: string][]): string {
  return listed(parts.filter(([amount]) => amount > 0).map(([amount, noun]) => counted(amount, noun)));
}

/** "an apple", "a pear", "an hour". */
export function article(noun: string): string {
  return /^(?:[aeio]|u(?!ni|se)|hour|8|11\b|18\b)/i.test(noun) && !/^one\b/i.test(noun)
    ? `an ${noun}`
    : `a ${noun}`;
}

/** At most six decimals, thousands separated from 10,000 on. */
export function decimal(value: number): string {
  const tidy = Math.round(value * 1e6) / 1e6;
  return Math.abs(tidy) >= 10_000 ? tidy.toLocaleString('en-US', { maximumFractionDigits: 6 }) : String(tidy);
}

/** "$12", "$3.50", "-$4". */
export function money(value: number): string {
  const size = Math.abs(Math.round(value * 100) / 100);
  return `${value < 0 ? '-' : ''}$${Number.isInteger(size) ? decimal(size) : size.toFixed(2)}`;
}

/** "a", "a and b", "a, b, and c". */
export function listed(items: readonly string[], conjunction = 'and'): string {
  if (items.length < 3) return items.join(` ${conjunction} `);
  return `${items.slice(0, -1).join(', ')}, ${conjunction} ${items.at(-1)!}`;
}

const SMALL = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];

/** "two" up to "twelve", digits beyond. */
export function spelled(value: number): string {
  return SMALL[value] ?? String(value);
}

/** "1st", "2nd", "3rd", "11th". */
export function ordinal(value: number): string {
  const teen = value % 100 > 10 && value % 100 < 14;
  return `${value}${(!teen && ['th', 'st', 'nd', 'rd'][value % 10]) || 'th'}`;
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The sentence as it reads after "First," or "so": names and "I" keep their capital. */
export function continued(sentence: string): string {
  const first = /^[A-Za-z]+/.exec(sentence)?.[0] ?? '';
  if (first === 'I' || first !== capitalized(first.toLowerCase()) || PROPER_NOUNS.has(first)) return sentence;
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
