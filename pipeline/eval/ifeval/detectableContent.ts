// detectable_content:… instructions: placeholders and postscripts.
import { countMatches, pythonRegex, searches } from '../scores/pythonRegex.ts';
import { strip } from '../prompts/pythonText.ts';
import { needed, type Instruction } from './instruction.ts';

const PLACEHOLDER = pythonRegex('\\[.*?\\]');
const POSTSCRIPTS: Record<string, string> = {
  'P.P.S': '\\s*p\\.\\s?p\\.\\s?s.*$',
  'P.S.': '\\s*p\\.\\s?s\\..*$',
};

/** detectable_content:number_placeholders: at least so many texts in square brackets. */
export const numberOfPlaceholders: Instruction = (response, given) =>
  countMatches(PLACEHOLDER, response) >= needed(given, 'num_placeholders');

/** detectable_content:postscript: the marker occurs, in any case and with spaces between its letters. */
export const postscript: Instruction = (response, given) => {
  const marker = strip(needed(given, 'postscript_marker'));
  const pattern = POSTSCRIPTS[marker] ?? `\\s*${marker.toLowerCase()}.*$`;
  return searches(pythonRegex(pattern, { multiline: true }), response.toLowerCase());
};
