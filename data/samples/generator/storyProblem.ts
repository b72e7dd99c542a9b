// The word problem engine. A family states facts, and the steps from them to the answer as formulas; the engine computes
// every value, so text and arithmetic cannot disagree. Values are linear in x: hiding one given as "x" turns the same
// story into a backward problem (MetaMath's self-verification and FOBAR types) whose solution is derived, not written.
import { counted, decimal, money, plural } from './english.ts';
import type { Random } from './random.ts';

/** "$", "%", "" for a bare number, or a noun in the singular. */
export type Unit = string;

/** id, formula over ids and constants (`pens * price`), unit of the result, and sentences in which `{=}` is the equation. */
export type Step = [id: string, formula: string, unit: Unit, ...sayings: string[]];

/** What a family draws. In texts `{id}` is a value with its unit, `{id#}` the bare number, `{answer}` the last step's value. */
export interface StoryDraft {
  given: Record<string, [value: number, unit: Unit]>;
  /** Optional sentences that open the telling and carry no number. */
  scene?: string[];
  tellings: string[];
  asks: string[];
  /** What is sought, as a noun phrase. */
  goal: string;
  steps: Step[];
  /** The answer as a full sentence. */
  verdict: string;
}

export type StoryFamily = (random: Random) => StoryDraft;

/** slope * x + constant. */
export interface Linear {
  slope: number;
  constant: number;
}

export interface Amount {
  value: Linear;
  unit: Unit;
}

export interface SolvedStep {
  id: string;
  left: Amount;
  operator: string;
  right: Amount;
  result: Amount;
  sayings: string[];
}

/** A draft with every value known; `answer` is the number that solves the forward problem. */
export interface Story {
  draft: StoryDraft;
  amounts: Map<string, Amount>;
  steps: SolvedStep[];
  answer: Amount;
}

/** Draws from a family until every value is one a textbook would print. */
export function drawStory(family: StoryFamily, random: Random): Story {
  for (let attempt = 0; attempt < 500; attempt++) {
    const story = solve(family(random));
    if ([...story.amounts.values()].every(isPrintable)) return story;
  }
  throw new Error(`no printable values: ${JSON.stringify(family(random).tellings)}`);
}

/** The same story with one given of a telling unknown, or undefined when none leaves a printable linear equation. */
export function hideOne(story: Story, random: Random, { telling }: { telling: number }): Story | undefined {
  const told = story.draft.tellings[telling]!;
  for (const id of random.shuffle(Object.keys(story.draft.given))) {
    if (story.draft.given[id]![1] === '%' || !new RegExp(`\\{${id}#?\\}`).test(told)) continue;
    const hidden = solve(story.draft, id);
    const { slope, constant } = hidden.answer.value;
    const coefficients = [...hidden.amounts.values()].flatMap(({ value }) => [value.slope, value.constant]);
    if (slope !== 0 && Number.isFinite(constant) && coefficients.every(hasFewDecimals)) return hidden;
  }
  return undefined;
}

function solve(draft: StoryDraft, hidden?: string): Story {
  const amounts = new Map<string, Amount>(
    Object.entries(draft.given).map(([id, [value, unit]]) => [
      id,
      { value: id === hidden ? { slope: 1, constant: 0 } : { slope: 0, constant: value }, unit },
    ]),
  );
  const operand = (name: string): Amount =>
    amounts.get(name) ?? { value: { slope: 0, constant: Number(name) }, unit: '' };
  const steps = draft.steps.map(([id, formula, unit, ...sayings]) => {
    const [left = '', operator = '', right = ''] = formula.split(' ');
    const result = { value: combine(operand(left), operator, operand(right)), unit };
    amounts.set(id, result);
    return { id, left: operand(left), operator, right: operand(right), result, sayings };
  });
  return { draft, amounts, steps, answer: steps.at(-1)!.result };
}

function combine(left: Amount, operator: string, right: Amount): Linear {
  const [a, b] = [share(left), share(right)];
  if (operator === '+') return { slope: tidy(a.slope + b.slope), constant: tidy(a.constant + b.constant) };
  if (operator === '-') return { slope: tidy(a.slope - b.slope), constant: tidy(a.constant - b.constant) };
  const [scaled, factor] = operator === '*' && a.slope === 0 ? [b, a.constant] : [a, b.constant];
  if (operator === '*' && a.slope * b.slope !== 0) return { slope: NaN, constant: NaN };
  if (operator === '/' && b.slope !== 0) return { slope: NaN, constant: NaN };
  const by = operator === '/' ? 1 / factor : factor;
  return { slope: tidy(scaled.slope * by), constant: tidy(scaled.constant * by) };
}

/** The value that enters a formula: 20% counts as 0.2. */
function share({ value, unit }: Amount): Linear {
  return unit === '%' ? { slope: value.slope / 100, constant: value.constant / 100 } : value;
}

function tidy(value: number): number {
  return Math.round(value * 1e8) / 1e8;
}

function isPrintable({ value: { constant }, unit }: Amount): boolean {
  const places = unit === '$' || unit === '' ? 100 : 1;
  return Number.isFinite(constant) && constant > 0 && Number.isInteger(tidy(constant * places));
}

function hasFewDecimals(value: number): boolean {
  return Number.isInteger(tidy(value * 100));
}

/** Fills the slots of a text. */
export function fill(text: string, { amounts, answer }: Pick<Story, 'amounts' | 'answer'>): string {
  return text.replaceAll(/\{(\w+)(#?)\}/g, (slot, id: string, bare: string) => {
    const amount = id === 'answer' ? answer : amounts.get(id);
    if (!amount) throw new Error(`no value for ${slot} in: ${text}`);
    return bare ? linearText(amount.value) : amountText(amount);
  });
}

/** "$12", "20%", "4 pens", "4x dollars", "x pens". */
export function amountText({ value, unit }: Amount): string {
  if (value.slope !== 0 && unit === '$') {
    const isBareX = value.slope === 1 && value.constant === 0;
    return isBareX ? '$x' : `${linearText(value)} dollars`;
  }
  if (unit === '$') return money(value.constant);
  if (unit === '%') return `${linearText(value)}%`;
  if (unit === '') return linearText(value);
  return counted(value.slope === 0 ? value.constant : linearText(value), unit);
}

/** "4x + 6", "50 - 4x", "12". */
export function linearText({ slope, constant }: Linear): string {
  if (slope === 0) return decimal(constant);
  const term = `${Math.abs(slope) === 1 ? '' : decimal(Math.abs(slope))}x`;
  if (constant === 0) return slope < 0 ? `-${term}` : term;
  if (slope < 0) return `${decimal(constant)} - ${term}`;
  return `${term} ${constant < 0 ? '-' : '+'} ${decimal(Math.abs(constant))}`;
}

/** "4 * $3 = $12", or "4 * x = 4x dollars". `times` is the sign of multiplication, `over` of division. */
export function equation(step: SolvedStep, { times = '*', over = '/' } = {}): string {
  const sign = { '*': times, '/': over }[step.operator] ?? step.operator;
  const symbolic = step.result.value.slope !== 0;
  const sides = [step.left, step.right].map((side, index) =>
    operandText(side, step.operator, index, symbolic),
  );
  const left = sides.join(` ${sign} `);
  const right = symbolic ? linearText(step.result.value) : amountText(step.result);
  if (!symbolic) return `${left} = ${right}`;
  const unit = step.result.unit === '$' ? 'dollars' : step.result.unit && plural(step.result.unit);
  return [isWritten(step) ? right : `${left} = ${right}`, unit].filter(Boolean).join(' ');
}

/** True when left and right side would differ in the order of the terms at most, as in "6 + 4x = 4x + 6". */
function isWritten({ left, operator, right }: SolvedStep): boolean {
  const [a, b] = [left.value, right.value];
  if (operator === '+') return (a.constant === 0 && b.slope === 0) || (a.slope === 0 && b.constant === 0);
  return operator === '-' && ((a.constant === 0 && b.slope === 0) || (a.slope === 0 && b.constant === 0));
}

function operandText(side: Amount, operator: string, index: number, symbolic: boolean): string {
  const isSum = side.value.slope !== 0 && side.value.constant !== 0;
  const binds = '*/'.includes(operator) || (operator === '-' && index === 1);
  const text = side.unit === '$' && !symbolic ? money(side.value.constant) : linearText(share(side));
  return isSum && binds ? `(${text})` : text;
}

/** The sentence of a step, without its full stop. */
export function saying(step: SolvedStep, story: Story, random: Random, signs = {}): string {
  return fill(
    random.pick(step.sayings).replace('{=}', () => equation(step, signs)),
    story,
  );
}

/** The facts as told, with or without a scene before them. */
export function tell(story: Story, random: Random, { telling }: { telling: number }): string {
  const { scene, tellings } = story.draft;
  const opening = scene && random.chance(0.6) ? [random.pick(scene)] : [];
  return fill([...opening, tellings[telling % tellings.length]!].join(' '), story);
}
