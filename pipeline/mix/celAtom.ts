// The parts of a `where` between its &&, ||, ! and ?:, decided by CEL each for itself. One that reads a null, or what is
// not there, is undecided, unless it asks for that: `x == null`, `x in [null, "a"]`, has(x.y).
import { Environment, type ASTNode } from '@marcbachmann/cel-js';
import { messageOf, type UserError } from '../config/userError.ts';
import { contains, isNull, pathOf, pathsIn, textOf, type CelPath } from './celNodes.ts';
import type { Row } from './readRows.ts';
import type { Decide } from './threeValued.ts';

/**
 * An environment in which types may be mixed: in lists, and in arithmetic, for JSON's numbers are CEL's doubles and the
 * ones that people write are mostly its ints.
 */
export function celEnvironment(): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false });
  for (const [operator, compute] of Object.entries(arithmetic))
    for (const types of ['int double', 'double int', ...(operator === '%' ? ['double double'] : [])]) {
      const [left, right] = types.split(' ') as [string, string];
      const handle = (a: number | bigint, b: number | bigint) => compute(Number(a), Number(b));
      environment.registerOperator(`${left} ${operator} ${right}: double`, handle);
    }
  return environment;
}

const arithmetic: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
};

interface AtomOptions {
  /** The expression that the node is of, and the environment that its names are known in. */
  source: string;
  environment: Environment;
  /** Makes the error for a row that the atom cannot be about. */
  fail: (problem: string) => UserError;
}

/** A part of an expression as a decision on the values of its names. */
export function celAtom(node: ASTNode, options: AtomOptions): Decide<Row> {
  if (node.op === '==' || node.op === '!=') {
    const other = node.args.find((side) => !isNull(side));
    if (node.args.some(isNull)) return nullTest(other, { ...options, expected: node.op === '==' });
  }
  const isPresence = node.op === 'call' && node.args[0] === 'has';
  const asksForNull = isPresence || contains(node, isNull);
  const paths = asksForNull ? [] : pathsIn(node);
  const evaluate = evaluator(node, { ...options, nullsFail: asksForNull && !isPresence });
  const { fail } = options;
  return (row) => {
    for (const path of paths) if (valueDown(row, path) === null) return undefined;
    const value = evaluate(row);
    if (typeof value === 'boolean') return value;
    if (value === undefined || value === null) return isPresence ? false : undefined;
    throw fail(`gives ${shown(value)}, not true or false`);
  };
}

/** Whether something is null or not there. */
function nullTest(
  node: ASTNode | undefined,
  { expected, ...options }: AtomOptions & { expected: boolean },
): Decide<Row> {
  if (!node) return () => expected;
  const path = pathOf(node);
  if (path) return (row) => (valueDown(row, path) === null) === expected;
  const evaluate = evaluator(node, { ...options, nullsFail: false });
  return (row) => ((evaluate(row) ?? null) === null) === expected;
}

/** Evaluates a node; undefined where it goes beyond what a row has, or (unless `nullsFail`) computes with a null in it. */
function evaluator(
  node: ASTNode,
  { source, environment, fail, nullsFail }: AtomOptions & { nullsFail: boolean },
): (row: Row) => unknown {
  const evaluate = environment.parse(textOf(node, source));
  return (row) => {
    try {
      return evaluate(row) as unknown;
    } catch (error) {
      const { code = '', summary } = error as { code?: string; summary?: string };
      if (code === 'no_such_key' || code === 'index_out_of_bounds') return undefined;
      if (!nullsFail && code.endsWith('_overload') && /\bnull\b/.test(summary ?? '')) return undefined;
      throw fail(messageOf(summary ?? error));
    }
  };
}

/** The value at a path; null where there is none. */
function valueDown(row: Row, path: CelPath): unknown {
  let value: unknown = row;
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return null;
    value = (value as Row)[key];
  }
  return value ?? null;
}

function shown(value: unknown): string {
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}
