// English sentences as NLTK's Punkt tokenizer ends them (Kiss and Strunk 2006, "Unsupervised Multilingual Sentence
// Boundary Detection"): every period, question and exclamation mark with what surrounds it is judged by its word's
// type (abbreviation, initial, number) and by how the next word is usually written.
import { pythonRegex } from '../scores/pythonRegex.ts';
import { isLower, isUpper, strip, stripEnd } from '../prompts/pythonText.ts';
import { readPunktParameters } from './languageData.ts';

const nltk = (pattern: string) => pythonRegex(pattern, { dialect: 'regex' });
const NON_WORD = `(?:[)";}\\]\\*:@'\\({\\[‘’“”«»?!])`;
const LONG_MARK = '(?:\\-{2,}|\\.{2,}|(?:\\.\\s){2,}\\.)';
const WORD_START = '[^\\("`{\\[:;&\\#\\*@\\)}\\]\\-,]';
const WORD_END = `(?=\\s|$|${NON_WORD}|${LONG_MARK}|,(?=$|\\s|${NON_WORD}|${LONG_MARK}))`;
const TOKEN = nltk(`(${LONG_MARK}|(?=${WORD_START})\\S+?${WORD_END}|\\S)`);
const CANDIDATE = nltk(`[\\.\\?\\!](?=(?P<after>${NON_WORD}|\\s+(?P<next>\\S+)))`);
const CLOSING = pythonRegex(`["')\\]}‘’“”«»]+?(?:\\s+|(?=--)|$)`, { dialect: 'regex', multiline: true });
const ELLIPSIS = nltk('^\\.\\.+$');
const NUMBER = nltk('^-?[\\.,]?\\d[\\d,\\.-]*\\.?$');
const INITIAL = nltk('^[^\\W\\d]\\.$');
const ASCII_SPACE = /[ \t\n\r\v\f]/g;

/** How a type has been seen in the training texts: at the beginning of sentences, within them or unclearly. */
const CASE = { begUpper: 2, midUpper: 4, unknownUpper: 8, begLower: 16, midLower: 32, unknownLower: 64 };
const UPPER = CASE.begUpper | CASE.midUpper | CASE.unknownUpper;
const LOWER = CASE.begLower | CASE.midLower | CASE.unknownLower;

interface Token {
  text: string;
  /** In lower case, numbers all alike. */
  type: string;
  ends: boolean;
  isAbbreviation: boolean;
}

interface Model {
  abbreviations: Set<string>;
  starters: Set<string>;
  collocations: Set<string>;
  orthography: Map<string, number>;
}

let loaded: Model | undefined;

/** The sentences of a text, without the white space between them. */
export function splitSentences(text: string): string[] {
  const model = (loaded ??= loadModel());
  return realigned(text, slices(text, model)).map(([start, end]) => text.slice(start, end));
}

function loadModel(): Model {
  const { abbreviations, sentence_starters, collocations, orthography } = readPunktParameters();
  return {
    abbreviations: new Set(abbreviations),
    starters: new Set(sentence_starters),
    collocations: new Set(collocations),
    orthography: new Map(Object.entries(orthography)),
  };
}

/** Where a sentence may end, and the word before with all that the decision looks at. */
interface Candidate {
  end: number;
  /** Where the next sentence would start. */
  next: number;
  context: string;
}

/** From and to of each sentence, closing quotes and brackets still at the start of the next. */
function slices(text: string, model: Model): [number, number][] {
  const found: [number, number][] = [];
  let start = 0;
  for (const { end, next, context } of candidates(text)) {
    if (!breaks(context, model)) continue;
    found.push([start, end]);
    start = next;
  }
  return [...found, [start, stripEnd(text).length]];
}

/** The candidates; of several that share a word, as in `so!!!`, only the last. */
function candidates(text: string): Candidate[] {
  const found: Candidate[] = [];
  let word = { start: 0, end: 0 };
  let pending: Candidate | undefined;
  for (const match of text.matchAll(CANDIDATE)) {
    const space = lastSpace(text.slice(word.end, match.index));
    const start = space > 0 ? word.end + space + 1 : word.start;
    if (pending && word.end <= start) found.push(pending);
    word = { start, end: match.index };
    pending = candidateOf(text, match, start);
  }
  return pending ? [...found, pending] : found;
}

function candidateOf(text: string, match: RegExpExecArray, wordStart: number): Candidate {
  const { after = '', next } = match.groups!;
  const end = match.index + 1;
  const nextStart = next === undefined ? end : end + after.length - next.length;
  return { end, next: nextStart, context: text.slice(wordStart, end) + after };
}

/** The index of the last white space of ASCII; 0 if there is none. */
function lastSpace(text: string): number {
  return [...text.matchAll(ASCII_SPACE)].at(-1)?.index ?? 0;
}

/** Closing quotes and brackets after the mark go with the sentence before them. */
function realigned(text: string, sentences: readonly [number, number][]): [number, number][] {
  const found: [number, number][] = [];
  let moved = 0;
  sentences.forEach(([from, to], i) => {
    const start = from + moved;
    const following = sentences[i + 1];
    const closing = following && closingLength(text.slice(...following));
    moved = closing?.whole ?? 0;
    if (closing) found.push([start, following[0] + closing.stripped]);
    else if (start < to) found.push([start, to]);
  });
  return found;
}

function closingLength(text: string): { whole: number; stripped: number } | undefined {
  CLOSING.lastIndex = 0;
  const match = CLOSING.exec(text);
  return match?.index === 0 ? { whole: match[0].length, stripped: stripEnd(match[0]).length } : undefined;
}

/** Whether a sentence ends within `context`, before its last token. */
function breaks(context: string, model: Model): boolean {
  const tokens = context
    .split('\n')
    .flatMap((line) => (strip(line) === '' ? [] : (line.match(TOKEN) ?? [])))
    .map((token) => firstJudgement(token, model));
  tokens.forEach((token, i) => revise(token, tokens[i + 1], model));
  return tokens.slice(0, -1).some(({ ends }) => ends);
}

/** By its type alone: a period ends a sentence, unless it belongs to a known abbreviation or an ellipsis. */
function firstJudgement(text: string, { abbreviations }: Model): Token {
  const type = text.toLowerCase().replace(NUMBER, '##number##');
  const base = text.slice(0, -1).toLowerCase();
  const judged = text.endsWith('.') && !text.endsWith('..') && text !== '.';
  const isAbbreviation = judged && (abbreviations.has(base) || abbreviations.has(base.split('-').at(-1)!));
  const ends = ['.', '?', '!'].includes(text) || (judged && !isAbbreviation);
  return { text, type, ends, isAbbreviation };
}

/** By the next word too: collocations, abbreviations that end a sentence, initials and ordinals that do not. */
function revise(token: Token, next: Token | undefined, model: Model): void {
  if (!next || !token.text.endsWith('.')) return;
  const type = withoutPeriod(token.type);
  const nextType = next.ends ? withoutPeriod(next.type) : next.type;
  const isInitial = token.text.search(INITIAL) === 0;
  if (model.collocations.has(`${type} ${nextType}`)) {
    token.ends = false;
    return;
  }
  const starts = startsSentence(next, nextType, model);
  const isEllipsis = token.text.search(ELLIPSIS) === 0;
  if ((token.isAbbreviation || isEllipsis) && !isInitial) {
    const usually = beginsWith(next, isUpper) && model.starters.has(nextType);
    if (starts === true || usually) {
      token.ends = true;
      return;
    }
  }
  if (!isInitial && type !== '##number##') return;
  const alwaysUpper = beginsWith(next, isUpper) && !(seen(nextType, model) & LOWER);
  if (starts === false || (starts === undefined && isInitial && alwaysUpper)) token.ends = false;
}

/** Whether a word starts a sentence, by how it is usually written; undefined if that does not tell. */
function startsSentence(next: Token, type: string, model: Model): boolean | undefined {
  if (';:,.!?'.includes(next.text)) return false;
  const flags = seen(type, model);
  if (beginsWith(next, isUpper) && flags & LOWER && !(flags & CASE.midUpper)) return true;
  if (beginsWith(next, isLower) && (flags & UPPER || !(flags & CASE.begLower))) return false;
  return undefined;
}

function seen(type: string, { orthography }: Model): number {
  return orthography.get(type) ?? 0;
}

function beginsWith(token: Token, test: (char: string) => boolean): boolean {
  return test(String.fromCodePoint(token.text.codePointAt(0)!));
}

function withoutPeriod(type: string): string {
  return type.length > 1 && type.endsWith('.') ? type.slice(0, -1) : type;
}
