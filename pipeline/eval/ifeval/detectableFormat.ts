// detectable_format:… instructions: bullets, highlights, sections, JSON, a title, one of three answers.
import { countMatches, findAll, pythonRegex } from '../scores/pythonRegex.ts';
import { strip, stripCharacter } from '../prompts/pythonText.ts';
import { needed, type Instruction } from './instruction.ts';

const STAR_BULLET = pythonRegex('^\\s*\\*[^\\*].*$', { multiline: true });
const DASH_BULLET = pythonRegex('^\\s*-.*$', { multiline: true });
const HIGHLIGHT = pythonRegex('\\*[^\\n\\*]*\\*');
const DOUBLE_HIGHLIGHT = pythonRegex('\\*\\*[^\\n\\*]*\\*\\*');
const TITLE = pythonRegex('<<[^\\n]+>>');
const ANSWERS = ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'];

/** detectable_format:number_bullet_lists: exactly so many lines that begin with `*` or `-`. */
export const numberOfBullets: Instruction = (response, given) =>
  countMatches(STAR_BULLET, response) + countMatches(DASH_BULLET, response) === needed(given, 'num_bullets');

/** detectable_format:number_highlighted_sections: `*so*` and `**so**`; what is inside `**` may count twice. */
export const numberOfHighlights: Instruction = (response, given) => {
  const single = matches(HIGHLIGHT, response).map((text) => stripCharacter(text, '*'));
  const double = matches(DOUBLE_HIGHLIGHT, response).map((text) => text.slice(2, -2));
  const filled = [...single, ...double].filter((text) => strip(text) !== '');
  return filled.length >= needed(given, 'num_highlights');
};

/** detectable_format:multiple_sections: at least so many headings such as `Section 1`. */
export const multipleSections: Instruction = (response, given) => {
  const heading = pythonRegex(`\\s?${strip(needed(given, 'section_spliter'))}\\s?\\d+\\s?`);
  return countMatches(heading, response) >= needed(given, 'num_sections');
};

/** detectable_format:json_format: all of it is JSON as Python reads it, perhaps within one fence. */
export const jsonFormat: Instruction = (response) => {
  const opened = ['```json', '```Json', '```JSON', '```'].reduce(
    (text, fence) => (text.startsWith(fence) ? text.slice(fence.length) : text),
    strip(response),
  );
  return isPythonJson(strip(opened.endsWith('```') ? opened.slice(0, -3) : opened));
};

/** detectable_format:title: `<<something>>` on one line. */
export const title: Instruction = (response) =>
  matches(TITLE, response).some((text) => strip(text.replace(/^<+/, '').replace(/>+$/, '')) !== '');

/** detectable_format:constrained_response: one of three sentences occurs. */
export const constrainedResponse: Instruction = (response) =>
  ANSWERS.some((answer) => response.includes(answer));

/** Python's json also takes NaN, Infinity and -Infinity, outside strings. */
function isPythonJson(text: string): boolean {
  const portable = text.replace(/"(?:[^"\\]|\\.)*"|NaN|-?Infinity/gs, (part) =>
    part.startsWith('"') ? part : 'null',
  );
  try {
    JSON.parse(portable);
    return true;
  } catch {
    return false;
  }
}

function matches(pattern: RegExp, text: string): string[] {
  return findAll(pattern, text) as string[];
}
