// length_constraints:… instructions: how many sentences, paragraphs and words.
import { countMatches, pythonRegex } from '../scores/pythonRegex.ts';
import { strip, words } from '../prompts/pythonText.ts';
import { holds, needed, type Instruction } from './instruction.ts';
import { splitSentences } from './splitSentences.ts';

const WORD = pythonRegex('\\w+', { dialect: 'regex' });
const DIVIDER = pythonRegex('\\s?\\*\\*\\*\\s?');

/** length_constraints:number_sentences */
export const numberOfSentences: Instruction = (response, given) =>
  holds(splitSentences(response).length, needed(given, 'relation'), needed(given, 'num_sentences'));

/** length_constraints:number_words */
export const numberOfWords: Instruction = (response, given) =>
  holds(countMatches(WORD, response), needed(given, 'relation'), needed(given, 'num_words'));

/** length_constraints:number_paragraphs: as many as asked for between dividers of `***`, none of them empty. */
export const numberOfParagraphs: Instruction = (response, given) => {
  const paragraphs = response.split(DIVIDER).map(strip);
  const filled = paragraphs.filter((paragraph) => paragraph !== '');
  return !paragraphs.slice(1, -1).includes('') && filled.length === needed(given, 'num_paragraphs');
};

/** length_constraints:nth_paragraph_first_word: so many paragraphs between empty lines, one opening with a word. */
export const nthParagraphFirstWord: Instruction = (response, given) => {
  const nth = needed(given, 'nth_paragraph');
  const paragraphs = response.split('\n\n').map(strip);
  const count = paragraphs.filter((paragraph) => paragraph !== '').length;
  const paragraph = paragraphs[nth - 1];
  if (nth > count || !paragraph) return false;
  return (
    count === needed(given, 'num_paragraphs') &&
    firstWord(paragraph) === needed(given, 'first_word').toLowerCase()
  );
};

/** The first word without quotes before it, up to the first punctuation mark. */
function firstWord(paragraph: string): string {
  const word = words(paragraph)[0]!.replace(/^'+/, '').replace(/^"+/, '');
  return word.split(/[.,?!'"]/)[0]!.toLowerCase();
}
