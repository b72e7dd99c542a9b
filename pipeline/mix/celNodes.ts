// What a CEL expression is made of: which names it reads, how far down, and the text of each of its parts.
import { type ASTNode } from '@marcbachmann/cel-js';

export type IdNode = Extract<ASTNode, { op: 'id' }>;

/** Where a value lies: a name, and keys or indices down from it. */
export type CelPath = readonly [string, ...string[]];

/** Macros whose first argument names what the others are about, such as `tags.exists(tag, tag == "x")`. */
const bindingMacros = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'bind']);

/** The names that an expression reads, as nodes, but for those that a macro in it binds. */
export function idsIn(node: ASTNode, bound: readonly string[] = []): IdNode[] {
  return partsIn(node, { bound, part: (inner) => (inner.op === 'id' ? inner : undefined) });
}

/** What an expression reads, each as far down as it says: `meta.lang`, `messages[0].role`. */
export function pathsIn(node: ASTNode): CelPath[] {
  return partsIn(node, { bound: [], part: pathOf });
}

/** The path that a node is; undefined when it is something else. */
export function pathOf(node: ASTNode): CelPath | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [below, key] = node.args;
  const step = typeof key === 'string' ? key : literalKey(key);
  const base = step === undefined ? undefined : pathOf(below);
  return base && [...base, step!];
}

function literalKey({ op, args }: ASTNode): string | undefined {
  return op === 'value' && (typeof args === 'string' || typeof args === 'bigint') ? String(args) : undefined;
}

/** The outermost nodes that are a part of the kind asked for, without those that begin with a bound name. */
function partsIn<Part extends IdNode | CelPath>(
  node: ASTNode,
  { bound, part }: { bound: readonly string[]; part: (node: ASTNode) => Part | undefined },
): Part[] {
  const found = part(node);
  if (found) return bound.includes('args' in found ? found.args : found[0]) ? [] : [found];
  if (node.op !== 'rcall') return childrenOf(node).flatMap((child) => partsIn(child, { bound, part }));
  const [name, receiver, [first, ...others]] = node.args;
  const within = partsIn(receiver, { bound, part });
  if (!first) return within;
  const binds = bindingMacros.has(name) && first.op === 'id';
  const inner = binds ? [...bound, first.args] : bound;
  const args = binds ? others : [first, ...others];
  return [...within, ...args.flatMap((child) => partsIn(child, { bound: inner, part }))];
}

/** Whether a node is of a kind, or anything in it. */
export function contains(node: ASTNode, isIt: (node: ASTNode) => boolean): boolean {
  return isIt(node) || childrenOf(node).some((child) => contains(child, isIt));
}

export function isNull({ op, args }: ASTNode): boolean {
  return op === 'value' && args === null;
}

export function childrenOf({ args }: ASTNode): ASTNode[] {
  return [args]
    .flat(3)
    .filter((part): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part);
}

/** The text of a node. Its range may leave out a parenthesis that opens or closes at its edge: `(a) == (b)`. */
export function textOf({ start, end }: ASTNode, source: string): string {
  const text = source.slice(start, end);
  let [depth, unopened] = [0, 0];
  for (const character of withoutLiterals(text)) {
    if (character === '(') depth += 1;
    if (character === ')' && --depth < 0) [depth, unopened] = [0, unopened + 1];
  }
  return '('.repeat(unopened) + text + ')'.repeat(depth);
}

const literals =
  /[rR]"[^"]*"|[rR]'[^']*'|"""[^]*?"""|'''[^]*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\/\/[^\n]*/g;

/** An expression with empty texts in place of its texts and comments. */
export function withoutLiterals(text: string): string {
  return text.replaceAll(literals, '""');
}
