// Sequences laid end to end without padding, what they begin with in common only once: a tree (tree attention, of
// speculative decoding, arXiv 2305.09781). A token sees the tokens of its own sequence, which lie in a few spans of the
// tree. In lexicographic order every shared beginning is shared with the sequence before, so no nodes are made.

/** Tokens of several sequences and what each of them sees. */
export interface TokenTree {
  ids: Int32Array; // [N]
  positions: Int32Array; // [N]
  /** Of each token begin and end of the spans of tokens it sees in the tree, in order; the last one ends with itself. */
  spans: number[][];
  /** Of each sequence where its tokens lie, from `start` on. */
  places: Int32Array[];
}

/**
 * @param sequences token ids in lexicographic order (`compareSequences`)
 * @param start how many tokens, common to all, are left out since they are cached
 */
export function tokenTree(sequences: readonly ArrayLike<number>[], { start = 0 } = {}): TokenTree {
  const tree: Pick<TokenTree, 'spans' | 'places'> = { spans: [], places: [] };
  const ids: number[] = [];
  const positions: number[] = [];
  sequences.forEach((sequence, s) => {
    const shared = s === 0 ? start : commonPrefix(sequences[s - 1]!, sequence);
    const places = new Int32Array(sequence.length - start);
    if (s > 0) places.set(tree.places[s - 1]!.subarray(0, shared - start));
    const before = runsOf(places.subarray(0, shared - start));
    for (let t = shared; t < sequence.length; t++) {
      const place = (places[t - start] = ids.length);
      ids.push(sequence[t]!);
      positions.push(t);
      extendRuns(before, place);
      tree.spans.push([...before]);
    }
    tree.places.push(places);
  });
  return { ids: Int32Array.from(ids), positions: Int32Array.from(positions), ...tree };
}

/** How many tokens `tokenTree` makes of sorted sequences. */
export function treeLength(sequences: readonly ArrayLike<number>[], { start = 0 } = {}): number {
  return sequences.reduce((sum, sequence, s) => {
    const shared = s === 0 ? start : commonPrefix(sequences[s - 1]!, sequence);
    return sum + sequence.length - shared;
  }, 0);
}

/** How many tokens both begin with. */
export function commonPrefix(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length++;
  return length;
}

/** Lexicographic, a beginning before what continues it. */
export function compareSequences(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const shared = commonPrefix(a, b);
  return (a[shared] ?? -1) - (b[shared] ?? -1);
}

/** Ascending places as begin and end of each run without gap. */
function runsOf(places: ArrayLike<number>): number[] {
  const runs: number[] = [];
  for (let i = 0; i < places.length; i++) extendRuns(runs, places[i]!);
  return runs;
}

function extendRuns(runs: number[], place: number): void {
  if (runs.at(-1) === place) runs[runs.length - 1] = place + 1;
  else runs.push(place, place + 1);
}
