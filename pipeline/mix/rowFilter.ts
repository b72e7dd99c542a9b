// `where:` of a source: which rows to take, as an expression on their columns in CEL (Common Expression Language,
// cel.dev), such as `type != "GSM_SV" && size(response) < 4000`. Tried on a million rows: @marcbachmann/cel-js decides
// 5 to 17 million rows a second, knows null, and refuses unknown names and wrong types in words. filtrex is as fast, but
// compiles to JavaScript by `Function` and turns null into an error; @huggingface/jinja, which is here already, decides
// 0.15 million and takes an unknown name for false. As in SQL, what a null leaves undecided is not taken.
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { nearest } from '../config/loadConfig.ts';
import { messageOf, UserError } from '../config/userError.ts';
import { valueAt } from './columnPath.ts';
import type { Row } from './readRows.ts';

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
    return summaryOf(error);
  }
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
  const { source, environment, variables } = declare(where, at.columns);
  const evaluate = environment.parse(source);
  const complain = (problem: string, remedy?: string) =>
    new UserError({ field: at.field, value: where, problem, ...(remedy && { remedy }) });
  const { valid, type, error } = evaluate.check();
  if (!valid) throw complain(summaryOf(error), hintOf(evaluate.ast, at));
  if (type !== 'bool' && type !== 'dyn') throw complain(`is a ${type}, not true or false`);
  const used = new Map(
    [...namesIn(evaluate.ast)].flatMap((name) => (variables.has(name) ? [[name, variables.get(name)!]] : [])),
  );
  const paths = pathsIn(evaluate.ast);
  const takes = (row: Row) => {
    const context: Row = {};
    for (const [name, column] of used) context[name] = row[column] ?? null;
    try {
      const value: unknown = evaluate(context);
      if (typeof value === 'boolean') return value;
      if (value === null) return false;
      throw complain(`gives ${JSON.stringify(value)}, not true or false, for a row of ${at.file}`);
    } catch (error) {
      if (error instanceof UserError) throw error;
      if (paths.some((path) => (valueAt(context, path) ?? null) === null)) return false;
      throw complain(`${summaryOf(error)}, for a row of ${at.file}`);
    }
  };
  return { columns: [...new Set(used.values())], takes };
}

/**
 * The columns as CEL's variables. Those named like one of its types (`type`, `string`) are columns all the same: they
 * get another name, in the expression too.
 */
function declare(where: string, columns: readonly string[]) {
  const environment = new Environment();
  const isTaken = (name: string) => environment.hasVariable(name);
  const renamed = new Map(columns.filter(isTaken).map((column) => [column, `column_${column}`]));
  const nodes = idsIn(new Environment().parse(where).ast).filter((node) => renamed.has(node.args));
  const source = nodes
    .toSorted((a, b) => b.start - a.start)
    .reduce(
      (text, { start, end, args }) => text.slice(0, start) + renamed.get(args)! + text.slice(end),
      where,
    );
  const variables = new Map(columns.map((column) => [renamed.get(column) ?? column, column]));
  for (const name of variables.keys())
    if (/^[A-Za-z_]\w*$/.test(name)) environment.registerVariable(name, 'dyn');
  return { source, environment, variables };
}

type IdNode = Extract<ASTNode, { op: 'id' }>;

function idsIn(node: ASTNode): IdNode[] {
  return node.op === 'id' ? [node] : childrenOf(node).flatMap(idsIn);
}

function namesIn(node: ASTNode): Set<string> {
  return new Set(idsIn(node).map(({ args }) => args));
}

/** What the expression looks at: names, and members down from them as dotted paths. */
function pathsIn(node: ASTNode): string[] {
  const path = pathOf(node);
  return path === undefined ? childrenOf(node).flatMap(pathsIn) : [path];
}

function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args;
  if (node.op !== '.') return undefined;
  const base = pathOf(node.args[0]);
  return base === undefined ? undefined : `${base}.${node.args[1]}`;
}

function childrenOf({ args }: ASTNode): ASTNode[] {
  return [args]
    .flat(3)
    .filter((part): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part);
}

function hintOf(ast: ASTNode, { file, columns }: { file: string; columns: readonly string[] }): string {
  const environment = new Environment();
  const unknown = [...namesIn(ast)].find((name) => !columns.includes(name) && !environment.hasVariable(name));
  const near = unknown === undefined ? undefined : nearest(unknown, columns);
  return `the columns of ${file} are ${columns.join(', ')}${near ? ` (did you mean "${near}"?)` : ''}`;
}

/** The first line of a complaint; what follows draws an arrow under the expression. */
function summaryOf(error: unknown): string {
  return messageOf((error as { summary?: string } | undefined)?.summary ?? error);
}
