// What of a task cannot be declared: rows rewritten before anything reads them (as the harness logs them too), and
// fields derived from a row for its prompt alone. Each follows lm_eval 0.4.13's tasks/TASK/utils.py.
import { fieldOf, textOf, textsOf } from './docFields.ts';
import type { Doc } from './evalItem.ts';
import type { PythonRandom } from './pythonRandom.ts';
import { capitalize, parseStringList, strip } from './pythonText.ts';

/** The fields to add to a row. @param random the generator of the whole run, of which only GPQA draws */
type DocProcessor = (doc: Doc, random: PythonRandom) => Doc;

/** By the name under which task files ask for them in `process_docs`: the fields become part of the row. */
export const docProcessors = {
  hellaswag: (doc) => {
    const [activity, first, second] = ['activity_label', 'ctx_a', 'ctx_b'].map((name) => textOf(doc, name));
    return {
      query: cleaned(`${activity}: ${first} ${capitalize(second!)}`),
      choices: textsOf(doc, 'endings').map(cleaned),
      gold: Number(fieldOf(doc, 'label')),
    };
  },
  gpqa: (doc, random) => {
    const answer = (name: string) => (doc[name] === null ? ' ' : cleaned(textOf(doc, name)));
    const right = answer('Correct Answer');
    const choices = [...[1, 2, 3].map((n) => answer(`Incorrect Answer ${n}`)), right];
    random.shuffle(choices);
    const numbered = choices.map((choice, i) => [`choice${i + 1}`, choice] as const);
    return { ...Object.fromEntries(numbered), answer: `(${letter(choices.indexOf(right))})` };
  },
} satisfies Record<string, DocProcessor>;

/** By the name under which task files ask for them in `derive`: the fields are seen by the templates only. */
export const docDerivations = {
  winogrande: (doc) => {
    const [before, ...after] = textOf(doc, 'sentence').split('_');
    if (after.length === 0) throw new Error('sentence has no blank "_"');
    return {
      contexts: ['option1', 'option2'].map((name) => before! + textOf(doc, name)),
      rest: strip(after.join('_')),
      right: Number(fieldOf(doc, 'answer')) - 1,
    };
  },
  mmlu_pro: (doc) => {
    const options = textsOf(doc, 'options');
    return {
      lettered: options.map((option, i) => `${letter(i)}. ${option}\n`).join(''),
      letters: options.map((_, i) => letter(i)),
    };
  },
  musr: (doc) => {
    const names = parseStringList(textOf(doc, 'choices'));
    return { names, numbered: names.map((name, i) => `${i + 1} - ${name}\n`).join('') };
  },
} satisfies Record<string, DocProcessor>;

/** Marks of WikiHow articles taken out; one pass over double blanks, so that four become two. */
function cleaned(raw: string): string {
  return strip(raw)
    .replaceAll(' [title]', '. ')
    .replaceAll(/\[[^\n]*?\]/g, '')
    .replaceAll('  ', ' ');
}

function letter(index: number): string {
  return String.fromCharCode(65 + index);
}
