// The 25 instructions of IFEval by the names that its data set uses.
import * as content from './detectableContent.ts';
import * as format from './detectableFormat.ts';
import type { Instruction } from './instruction.ts';
import * as keywords from './keywords.ts';
import * as languages from './languages.ts';
import * as lengths from './lengths.ts';
import * as whole from './wholeResponse.ts';

/** What checks each instruction. */
export const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  'change_case:capital_word_frequency': languages.capitalWordFrequency,
  'change_case:english_capital': languages.englishCapital,
  'change_case:english_lowercase': languages.englishLowercase,
  'combination:repeat_prompt': whole.repeatPrompt,
  'combination:two_responses': whole.twoResponses,
  'detectable_content:number_placeholders': content.numberOfPlaceholders,
  'detectable_content:postscript': content.postscript,
  'detectable_format:constrained_response': format.constrainedResponse,
  'detectable_format:json_format': format.jsonFormat,
  'detectable_format:multiple_sections': format.multipleSections,
  'detectable_format:number_bullet_lists': format.numberOfBullets,
  'detectable_format:number_highlighted_sections': format.numberOfHighlights,
  'detectable_format:title': format.title,
  'keywords:existence': keywords.existence,
  'keywords:forbidden_words': keywords.forbiddenWords,
  'keywords:frequency': keywords.frequency,
  'keywords:letter_frequency': keywords.letterFrequency,
  'language:response_language': languages.responseLanguage,
  'length_constraints:nth_paragraph_first_word': lengths.nthParagraphFirstWord,
  'length_constraints:number_paragraphs': lengths.numberOfParagraphs,
  'length_constraints:number_sentences': lengths.numberOfSentences,
  'length_constraints:number_words': lengths.numberOfWords,
  'punctuation:no_comma': whole.noComma,
  'startend:end_checker': whole.endPhrase,
  'startend:quotation': whole.quotation,
};
