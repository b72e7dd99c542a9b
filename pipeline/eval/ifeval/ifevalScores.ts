// IFEval's four scores of a response: each instruction and all of them, strictly, and loosely, where any of eight
// variants may follow the instruction: without the first line, the last, both, and each of these without asterisks.
import { UserError } from '../../config/userError.ts';
import type { Doc } from '../prompts/evalItem.ts';
import { strip } from '../prompts/pythonText.ts';
import type { InstructionArguments } from './instruction.ts';
import { INSTRUCTIONS } from './instructions.ts';

/** Verdicts on one response, one per instruction where they are lists. */
export interface IfevalScores {
  prompt_level_strict_acc: number;
  inst_level_strict_acc: boolean[];
  prompt_level_loose_acc: number;
  inst_level_loose_acc: boolean[];
}

/**
 * The verdicts on `response` to the prompt `doc`, with the data set's `instruction_id_list` and `kwargs`.
 * @throws UserError for an unknown instruction or one without its arguments.
 */
export function ifevalScores(doc: Doc, response: string): IfevalScores {
  const strict = verdicts(doc, [response]);
  const loose = verdicts(doc, looseVariants(response));
  return {
    prompt_level_strict_acc: strict.every(Boolean) ? 1 : 0,
    inst_level_strict_acc: strict,
    prompt_level_loose_acc: loose.every(Boolean) ? 1 : 0,
    inst_level_loose_acc: loose,
  };
}

/** For each instruction whether any of the texts follows it; an empty one follows none. */
function verdicts(doc: Doc, texts: readonly string[]): boolean[] {
  const { instruction_id_list: names, kwargs } = doc as {
    instruction_id_list: string[];
    kwargs: Record<string, unknown>[];
  };
  return names.map((name, i) => {
    const follows = INSTRUCTIONS[name];
    if (!follows)
      throw new UserError({
        field: 'instruction_id_list',
        value: name,
        problem: 'IFEval has no such instruction',
      });
    const given = argumentsOf(kwargs[i]!);
    return texts.some((text) => strip(text) !== '' && follows(text, given));
  });
}

/** The arguments that are given: as in the reference neither null nor 0 nor empty ones are. */
function argumentsOf(kwargs: Record<string, unknown>): InstructionArguments {
  const isGiven = (value: unknown) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
  return Object.fromEntries(Object.entries(kwargs).filter(([, value]) => isGiven(value)));
}

function looseVariants(response: string): string[] {
  const lines = response.split('\n');
  const cuts = [lines.slice(1), lines.slice(0, -1), lines.slice(1, -1)];
  const texts = [response, ...cuts.map((cut) => strip(cut.join('\n')))];
  return texts.flatMap((text) => [text, text.replaceAll('*', '')]);
}
