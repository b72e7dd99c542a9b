// Instructions on the response as a whole: combination:…, startend:…, punctuation:…
import { strip, stripCharacter } from '../prompts/pythonText.ts';
import { needed, type Instruction } from './instruction.ts';

/** combination:two_responses: two different texts with `******` between them. */
export const twoResponses: Instruction = (response) => {
  const parts = response.split('******').map(strip);
  const filled = parts.filter((part) => part !== '');
  return !parts.slice(1, -1).includes('') && filled.length === 2 && filled[0] !== filled[1];
};

/** combination:repeat_prompt: the response opens with the request, in any case. */
export const repeatPrompt: Instruction = (response, given) =>
  strip(response)
    .toLowerCase()
    .startsWith(strip(needed(given, 'prompt_to_repeat')).toLowerCase());

/** startend:end_checker: the response ends with a phrase, in any case, quotes after it aside. */
export const endPhrase: Instruction = (response, given) =>
  stripCharacter(strip(response), '"')
    .toLowerCase()
    .endsWith(strip(needed(given, 'end_phrase')).toLowerCase());

/** startend:quotation: the response stands in double quotes. */
export const quotation: Instruction = (response) => /^".*"$/s.test(strip(response));

/** punctuation:no_comma */
export const noComma: Instruction = (response) => !response.includes(',');
