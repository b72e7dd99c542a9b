// What an instruction of IFEval (Zhou et al. 2023, arXiv:2311.07911) is: a check of a text with a few arguments.
import { UserError } from '../../config/userError.ts';

/** The arguments of an instruction, as the data set names them; those that are null or 0 there are absent. */
export interface InstructionArguments {
  language?: string;
  num_sentences?: number;
  num_paragraphs?: number;
  num_words?: number;
  num_placeholders?: number;
  num_bullets?: number;
  num_highlights?: number;
  num_sections?: number;
  section_spliter?: string;
  nth_paragraph?: number;
  first_word?: string;
  postscript_marker?: string;
  keywords?: string[];
  keyword?: string;
  frequency?: number;
  forbidden_words?: string[];
  letter?: string;
  let_frequency?: number;
  let_relation?: string;
  capital_frequency?: number;
  capital_relation?: string;
  prompt_to_repeat?: string;
  end_phrase?: string;
  relation?: string;
}

/** Whether a response follows the instruction. */
export type Instruction = (response: string, given: InstructionArguments) => boolean;

/** An argument that the instruction cannot do without: the reference would draw one at random. */
export function needed<K extends keyof InstructionArguments>(
  given: InstructionArguments,
  name: K,
): NonNullable<InstructionArguments[K]> {
  const value = given[name];
  if (value !== undefined) return value;
  throw new UserError({ field: `kwargs.${name}`, problem: 'an instruction of IFEval lacks this argument' });
}

/** `count` compared to a threshold, by the relation's name: `less than` or `at least`. */
export function holds(count: number, relation: string, threshold: number): boolean {
  return relation === 'less than' ? count < threshold : count >= threshold;
}
