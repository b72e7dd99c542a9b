// Kleene's logic of true, false and undecided, as SQL has it, over the boolean skeleton of a CEL expression: &&, ||, !
// and ?:. CEL itself knows no undecided; it says that null differs from "x". What a null leaves undecided stays so under
// `!`, and `undecided || true` is true.
import type { ASTNode } from '@marcbachmann/cel-js';

/** True, false, or undefined where that is undecided. */
export type Decide<Row> = (row: Row) => boolean | undefined;

/**
 * An expression as a decision.
 * @param atom decides the parts that are no operator of the skeleton.
 */
export function decisionOf<Row>(node: ASTNode, atom: (node: ASTNode) => Decide<Row>): Decide<Row> {
  const of = (child: ASTNode) => decisionOf(child, atom);
  if (node.op === '&&') return both(false, of(node.args[0]), of(node.args[1]));
  if (node.op === '||') return both(true, of(node.args[0]), of(node.args[1]));
  if (node.op === '!_') return not(of(node.args));
  if (node.op !== '?:') return atom(node);
  const [condition, then, otherwise] = node.args.map(of) as [Decide<Row>, Decide<Row>, Decide<Row>];
  return (row) => {
    const holds = condition(row);
    return holds === undefined ? undefined : holds ? then(row) : otherwise(row);
  };
}

function not<Row>(decide: Decide<Row>): Decide<Row> {
  return (row) => {
    const holds = decide(row);
    return holds === undefined ? undefined : !holds;
  };
}

/** `deciding` on either side decides, even beside one that fails (as in CEL, whose operators commute). */
function both<Row>(deciding: boolean, left: Decide<Row>, right: Decide<Row>): Decide<Row> {
  return (row) => {
    let first: boolean | undefined;
    let failure: unknown;
    try {
      first = left(row);
      if (first === deciding) return deciding;
    } catch (error) {
      failure = error;
    }
    const second = right(row);
    if (second === deciding) return deciding;
    if (failure !== undefined) throw failure as Error;
    return first === undefined ? undefined : second;
  };
}
