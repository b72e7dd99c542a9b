// English words as NLTK's word_tokenize separates them: sentence by sentence, after the conventions of the Penn
// Treebank (contractions, quotes, punctuation apart from words). A list of replacements that insert spaces, in order.
import { pythonRegex, type Dialect } from '../scores/pythonRegex.ts';
import { words } from '../prompts/pythonText.ts';
import { splitSentences } from './splitSentences.ts';

type Replacement = readonly [pattern: string, by: string];

const OPENING: Replacement[] = [
  ['([«“‘„]|[`]+)', ' $1 '],
  ['^"', '``'],
  ['(``)', ' $1 '],
  ['([ \\(\\[{<])("|\'{2})', '$1 `` '],
  ["(?i)(?<!\\w)(')(?!(?:re|ve|ll|m|t|s|d|n)\\b)(?=\\w)", '$1 '],
];
const PUNCTUATION: Replacement[] = [
  // the lookahead takes the whole run at once, so that a space in it is not given back
  ['([^\\.])(\\.)(?=([\\]\\)}>"\'»”’ ]*))\\3\\s*$', '$1 $2 $3 '],
  ['([:,])([^\\d])', ' $1 $2'],
  ['([:,])$', ' $1 '],
  ['\\.{2,}', ' $& '],
  ['[;@#$%&]', ' $& '],
  ['[\\u2012-\\u2015]', ' $& '],
  ['([^\\.])(\\.)([\\]\\)}>"\']*)\\s*$', '$1 $2$3 '],
  ['[?!]', ' $& '],
  ["([^'])' ", "$1 ' "],
  ['[*]', ' $& '],
  ['[\\]\\[\\(\\)\\{\\}\\<\\>]', ' $& '],
  ['--', ' -- '],
];
const CLOSING: Replacement[] = [
  ['([»”’])', ' $1 '],
  ["''", " '' "],
  ['"', " '' "],
  ['\\s+', ' '],
  ["([^' ])('[sS]|'[mM]|'[dD]|') ", '$1 $2 '],
  ["([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", '$1 $2 '],
];
const CONTRACTIONS: Replacement[] = [
  ...['(can)(not)\\b', "(d)('ye)\\b", '(gim)(me)\\b', '(gon)(na)\\b', '(got)(ta)\\b', '(lem)(me)\\b']
    .concat(["(more)('n)\\b", '(wan)(na)(?=\\s)'])
    .map((contraction) => [`(?i)\\b${contraction}`, ' $1 $2 '] as const),
  ["(?i) ('t)(is)\\b", ' $1 $2 '],
  ["(?i) ('t)(was)\\b", ' $1 $2 '],
];

const before = compile([...OPENING, ...PUNCTUATION], 'regex');
const close = compile(CLOSING, 'regex');
const contract = compile(CONTRACTIONS, 're');

/** The words and marks of a text; double quotes become `` and ''. */
export function splitWords(text: string): string[] {
  return splitSentences(text).flatMap((sentence) => words(contract(close(` ${before(sentence)} `))));
}

function compile(replacements: readonly Replacement[], dialect: Dialect): (text: string) => string {
  const steps = replacements.map(([pattern, by]) => ({ pattern: pythonRegex(pattern, { dialect }), by }));
  return (text) => steps.reduce((rest, { pattern, by }) => rest.replace(pattern, by), text);
}
