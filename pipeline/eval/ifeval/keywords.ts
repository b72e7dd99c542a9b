// keywords:… instructions: words that have to occur, or must not. The words are Python patterns, found in any case.
import { countMatches, pythonRegex, searches } from '../scores/pythonRegex.ts';
import { strip } from '../prompts/pythonText.ts';
import { holds, needed, type Instruction } from './instruction.ts';

/** keywords:existence: every keyword occurs, within words too. */
export const existence: Instruction = (response, given) =>
  needed(given, 'keywords').every((keyword) => occurs(keyword, response));

/** keywords:frequency: a keyword occurs often enough, or seldom enough. */
export const frequency: Instruction = (response, given) => {
  const keyword = pythonRegex(strip(needed(given, 'keyword')), { ignoreCase: true });
  return holds(countMatches(keyword, response), needed(given, 'relation'), needed(given, 'frequency'));
};

/** keywords:forbidden_words: none occurs as a whole word. */
export const forbiddenWords: Instruction = (response, given) =>
  !needed(given, 'forbidden_words').some((word) => occurs(`\\b${word}\\b`, response));

/**
 * keywords:letter_frequency: a letter occurs often enough, or seldom enough. Two prompts ask for `#` and `!`, where
 * the reference draws a random letter instead; here the character asked for is counted.
 */
export const letterFrequency: Instruction = (response, given) => {
  const count = response.toLowerCase().split(needed(given, 'letter').toLowerCase()).length - 1;
  return holds(count, needed(given, 'let_relation'), needed(given, 'let_frequency'));
};

function occurs(pattern: string, text: string): boolean {
  return searches(pythonRegex(pattern, { ignoreCase: true }), text);
}
