// language:… and change_case:… instructions. A text without any feature of a language counts as right, as in the
// reference.
import { isLower, isUpper } from '../prompts/pythonText.ts';
import { detectLanguage } from './detectLanguage.ts';
import { holds, needed, type Instruction } from './instruction.ts';
import { splitWords } from './splitWords.ts';

/** language:response_language */
export const responseLanguage: Instruction = (response, given) => isIn(response, needed(given, 'language'));

/** change_case:english_capital */
export const englishCapital: Instruction = (response) => isUpper(response) && isIn(response, 'en');

/** change_case:english_lowercase */
export const englishLowercase: Instruction = (response) => isLower(response) && isIn(response, 'en');

/** change_case:capital_word_frequency: words in capitals, of those that a tokenizer for English sees. */
export const capitalWordFrequency: Instruction = (response, given) => {
  const capitals = splitWords(response).filter(isUpper).length;
  return holds(capitals, needed(given, 'capital_relation'), needed(given, 'capital_frequency'));
};

function isIn(text: string, language: string): boolean {
  const detected = detectLanguage(text);
  return detected === undefined || detected === language;
}
