// What of a task cannot be declared: rows rewritten before anything reads them (as the harness logs them too), and
// fields derived from a row for its prompt alone. Each follows lm_eval 0.4.13's tasks/TASK/utils.py.
import type { Doc } from './evalItem.ts';
import type { PythonRandom } from './pythonRandom.ts';
import { capitalize, parseStringList, strip } from './pythonText.ts';

/** A function over rows: the fields it reads and those it adds. */
interface DocFunction {
  reads: readonly string[];
  gives: readonly string[];
  /** The added fields. */
  apply(doc: Doc): Doc;
}

/** @param random the generator of the whole run, of which only GPQA draws */
interface DocProcessor extends Omit<DocFunction, 'apply'> {
  apply(doc: Doc, random: PythonRandom): Doc;
}

/** By the name under which task files ask for them in `process_docs`: the fields become part of the row. */
export const docProcessors = {
  hellaswag: {
    reads: ['ctx_a', 'ctx_b', 'activity_label', 'endings', 'label'],
    gives: ['query', 'choices', 'gold'],
    apply: (doc) => ({
      query: cleaned(`${text(doc.activity_label)}: ${text(doc.ctx_a)} ${capitalize(text(doc.ctx_b))}`),
      choices: texts(doc.endings).map(cleaned),
      gold: Number(doc.label),
    }),
  },
  gpqa: {
    reads: ['Correct Answer', 'Incorrect Answer 1', 'Incorrect Answer 2', 'Incorrect Answer 3'],
    gives: ['choice1', 'choice2', 'choice3', 'choice4', 'answer'],
    apply: (doc, random) => {
      const answer = (name: string) => (doc[name] === null ? ' ' : cleaned(text(doc[name])));
      const choices = [1, 2, 3].map((n) => answer(`Incorrect Answer ${n}`));
      choices.push(answer('Correct Answer'));
      random.shuffle(choices);
      const right = choices.indexOf(answer('Correct Answer'));
      const numbered = choices.map((choice, i) => [`choice${i + 1}`, choice] as const);
      return { ...Object.fromEntries(numbered), answer: `(${letter(right)})` };
    },
  },
} satisfies Record<string, DocProcessor>;

/** By the name under which task files ask for them in `derive`: the fields are seen by the templates only. */
export const docDerivations = {
  winogrande: {
    reads: ['sentence', 'option1', 'option2', 'answer'],
    gives: ['contexts', 'rest', 'right'],
    apply: (doc) => {
      const [before, ...after] = text(doc.sentence).split('_');
      return {
        contexts: [before! + text(doc.option1), before! + text(doc.option2)],
        rest: strip(after.join('_')),
        right: Number(doc.answer) - 1,
      };
    },
  },
  mmlu_pro: {
    reads: ['options'],
    gives: ['lettered', 'letters'],
    apply: (doc) => {
      const options = texts(doc.options);
      return {
        lettered: options.map((option, i) => `${letter(i)}. ${option}\n`).join(''),
        letters: options.map((_, i) => letter(i)),
      };
    },
  },
  musr: {
    reads: ['choices'],
    gives: ['names', 'numbered'],
    apply: (doc) => {
      const names = parseStringList(text(doc.choices));
      return { names, numbered: names.map((name, i) => `${i + 1} - ${name}\n`).join('') };
    },
  },
} satisfies Record<string, DocFunction>;

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

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`expected a text, found ${JSON.stringify(value)}`);
}

function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(text);
  throw new Error(`expected a list of texts, found ${JSON.stringify(value)}`);
}
