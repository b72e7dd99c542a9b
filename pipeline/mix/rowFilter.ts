// `where:` of a source: which rows to take, as an expression on their columns in CEL (Common Expression Language,
// cel.dev), such as `type != "GSM_SV" && size(response) < 4000`. @marcbachmann/cel-js knows null and refuses unknown
// names and wrong types in words. filtrex is as fast, but compiles to JavaScript by `Function` and turns null into an
// error; @huggingface/jinja, which is here already, decides 0.15 million rows a second and takes an unknown name for
// false. As in SQL, what a null leaves undecided is not taken: CEL decides the parts (celAtom), threeValued the whole, 0.7
// to 3 million rows a second on one core of two that were shared, where CEL alone decides 4 million.
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { nearest } from '../config/loadConfig.ts';
import { messageOf, UserError } from '../config/userError.ts';
import { celAtom, celEnvironment } from './celAtom.ts';
import { contains, idsIn, withoutLiterals } from './celNodes.ts';
import type { Row } from './readRows.ts';
import { decisionOf } from './threeValued.ts';

/** What a `where` says of the rows of one file. */
export interface RowFilter {
  /** The columns it reads. */
  columns: string[];
  /**
   * Whether the row is taken.
   * @throws UserError when values are of a type that the expression cannot be about.
   */
  takes: (row: Row) => boolean;
}

/** What is wrong with the expression's syntax, if anything. */
export function syntaxProblem(where: string): string | undefined {
  try {
    new Environment().parse(where);
    return undefined;
  } catch (error) {
    return summaryOf(error) + spellingHint(where);
  }
}

/** The columns that an expression names, as far as can be told without knowing what there is. */
export function columnsNamedIn(where: string): string[] {
  const { ast } = new Environment().parse(where);
  const names = idsIn(ast).flatMap(({ args }) => (args === wholeRow ? [] : [args]));
  return [...new Set([...names, ...quotedColumns(ast, where).map(({ column }) => column)])];
}

/**
 * A `where` over the columns of a file.
 * @param at `field` and `file` name both in complaints.
 * @throws UserError naming the expression and the columns there are, when it is not about them or not true or false.
 */
export function rowFilter(
  where: string,
  at: { field: string; file: string; columns: readonly string[] },
): RowFilter {
  const complain = (problem: string, remedy?: string) =>
    new UserError({ field: at.field, value: where, problem, ...(remedy && { remedy }) });
  const { source, environment, variables, missing } = declare(where, at.columns);
  if (missing !== undefined) throw complain(`no column "${missing}"`, columnsHint(missing, at));
  const parsed = environment.parse(source);
  const { ast } = parsed;
  const { valid, type, error } = parsed.check();
  if (!valid) throw complain(summaryOf(error), hintOf(ast, { ...at, where }));
  if (type !== 'bool' && type !== 'dyn') throw complain(`is a ${type}, not true or false`);
  const used = [...new Set(idsIn(ast).map(({ args }) => args))].flatMap((name) =>
    variables.has(name) ? [[name, variables.get(name)!] as const] : [],
  );
  const fail = (problem: string) => complain(`${problem}, for a row of ${at.file}`);
  const decide = decisionOf(ast, (node) => celAtom(node, { source, environment, fail }));
  const takes = (row: Row) => {
    const values: Row = {};
    for (const [name, column] of used) values[name] = asCelValue(row[column]);
    return decide(values) === true;
  };
  return { columns: [...new Set(used.map(([, column]) => column))], takes };
}

/**
 * Every number is CEL's double, whatever the file calls it, so that `n / 2` is the same of JSON and of Parquet's integers;
 * one too large for that stays as exact as it is.
 */
function asCelValue(value: unknown): unknown {
  if (typeof value !== 'bigint') return value ?? null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The name by which columns go that are none of CEL's: `row["quality-score"]`. */
const wholeRow = 'row';

const plainName = /^[A-Za-z_]\w*$/;

/**
 * The columns as CEL's variables. Those that are named like one of its types (`type`, `string`), or in a way that is no
 * name there, get another, in the expression too.
 */
function declare(where: string, columns: readonly string[]) {
  const environment = celEnvironment();
  const isPlain = (column: string) => plainName.test(column) && !environment.hasVariable(column);
  const names = new Map(columns.map((column, n) => [column, isPlain(column) ? column : `column_${n}_`]));
  const { ast } = new Environment().parse(where);
  const quoted = columns.includes(wholeRow) ? [] : quotedColumns(ast, where);
  const plain = idsIn(ast).map(({ start, end, args }) => ({ start, end, column: args }));
  const source = [...quoted, ...plain]
    .filter(({ column }) => names.has(column))
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (text, { start, end, column }) => text.slice(0, start) + names.get(column)! + text.slice(end),
      where,
    );
  const variables = new Map([...names].map(([column, name]) => [name, column]));
  for (const name of variables.keys()) environment.registerVariable(name, 'dyn');
  return { source, environment, variables, missing: quoted.find(({ column }) => !names.has(column))?.column };
}

/** Each `row["a column"]` of an expression. */
function quotedColumns(node: ASTNode, where: string): { start: number; end: number; column: string }[] {
  const found: { start: number; end: number; column: string }[] = [];
  contains(node, ({ op, args, start, end }) => {
    const [of, key] = op === '[]' ? args : [];
    const isQuoted =
      of?.op === 'id' && of.args === wholeRow && key?.op === 'value' && where.startsWith(wholeRow, start);
    if (isQuoted && typeof key.args === 'string') found.push({ start, end, column: key.args });
    return false;
  });
  return found;
}

function hintOf(
  ast: ASTNode,
  { where, ...at }: { where: string; file: string; columns: readonly string[] },
): string {
  const environment = new Environment();
  const unknown = idsIn(ast).find(({ args }) => !at.columns.includes(args) && !environment.hasVariable(args));
  return columnsHint(unknown?.args, at) + spellingHint(where);
}

function columnsHint(
  unknown: string | undefined,
  { file, columns }: { file: string; columns: readonly string[] },
): string {
  const near = unknown === undefined ? undefined : nearest(unknown, columns);
  const written = columns.map(inCel).join(', ');
  return `the columns of ${file} are ${written}${near === undefined ? '' : ` (did you mean ${inCel(near)}?)`}`;
}

/** A column as an expression names it. */
function inCel(column: string): string {
  return plainName.test(column) ? column : `${wholeRow}[${JSON.stringify(column)}]`;
}

/** What CEL writes otherwise than Python and SQL do. */
function spellingHint(where: string): string {
  const foreign = /\b(and|or|not|is|None|True|False)\b|<>|(^|[^=!<>])=(?!=)/i;
  return foreign.test(withoutLiterals(where))
    ? '; CEL writes && for and, || for or, ! for not, == for equals, and null, true, false'
    : '';
}

/** The first line of a complaint; what follows draws an arrow under the expression. */
function summaryOf(error: unknown): string {
  return messageOf((error as { summary?: string } | undefined)?.summary ?? error);
}
