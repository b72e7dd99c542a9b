// Benchmark items that occur in the training mix: those that share 13 words in a row with a training text, which is
// GPT-3's criterion (Brown et al. 2020, appendix C), words in lower case and without punctuation. Of a text of fewer words
// all must stand in a row in a training text. Runs of words are known by a rolling hash of 53 bits,
// so that a mix of tens of millions of words is read once and quickly; that any of its runs is taken for one of two
// million others by mistake has a chance of a few in a hundred.

const RUN = 13;
/** Of the two polynomials Σ word × base^place, modulo 2³². */
const HIGH_BASE = 0x9e3779b1;
const LOW_BASE = 0x85ebca6b;

/** A task's item and the texts that it is recognized by, each by itself: without the few-shot examples. */
export interface ItemText {
  id: number;
  texts: readonly string[];
}

/** What of a task's items was found in the mix. */
export interface Overlap {
  items: number;
  /** Of the items found, in ascending order. */
  ids: number[];
}

/** An item that was found. */
export interface FoundItem {
  task: string;
  id: number;
}

/**
 * The items of each task that share a run of words with some training text.
 * @param tasks items by task; an item without words is never found
 * @param mix the training texts, read once
 */
export async function findOverlap(
  tasks: ReadonlyMap<string, readonly ItemText[]>,
  mix: Iterable<string> | AsyncIterable<string>,
): Promise<Map<string, Overlap>> {
  const found = new Map([...tasks.keys()].map((task) => [task, new Set<number>()]));
  const itemsIn = itemFinder(tasks);
  for await (const text of mix) for (const { task, id } of itemsIn(text)) found.get(task)!.add(id);
  return new Map(
    [...found].map(([task, ids]) => [
      task,
      { items: tasks.get(task)!.length, ids: [...ids].sort((a, b) => a - b) },
    ]),
  );
}

/** Finds the items that share a run of words with a text, in the order of the tasks and their items. */
export function itemFinder(tasks: ReadonlyMap<string, readonly ItemText[]>): (text: string) => FoundItem[] {
  const index: RunIndex = {
    words: new Map(),
    lengths: new Set(),
    sieve: new Uint32Array(2 ** 21),
    first: new Map(),
    further: new Map(),
  };
  const owners: FoundItem[] = [];
  for (const [task, items] of tasks)
    for (const { id, texts } of items) {
      const item = owners.push({ task, id }) - 1;
      for (const text of texts) addText(index, text, item);
    }
  return (text) => {
    const found = new Set<number>();
    findRuns(index, text, found);
    return [...found].sort((a, b) => a - b).map((item) => owners[item]!);
  };
}

/** The runs of all items, by hash; an item is known by the number that it was added with. */
interface RunIndex {
  /** Numbers of the items' words, from 1. */
  words: Map<string, number>;
  /** How many words the runs have: 13, and as many as shorter items have. */
  lengths: Set<number>;
  /** A bit for each value of a hash's highest 26 bits: most runs of the mix are known from it to be no item's. */
  sieve: Uint32Array;
  first: Map<number, number>;
  /** Other items with the same run. */
  further: Map<number, number[]>;
}

function addText({ words, lengths, sieve, first, further }: RunIndex, text: string, item: number): void {
  const numbers = wordsOf(text).map((word) => {
    const number = words.get(word) ?? words.size + 1;
    words.set(word, number);
    return number;
  });
  const length = Math.min(RUN, numbers.length);
  if (length === 0) return;
  lengths.add(length);
  eachRun(numbers, length, (high, low) => {
    sieve[high >>> 11]! |= 1 << (high >>> 6);
    const hash = joined(high, low);
    if (!first.has(hash)) first.set(hash, item);
    else if (first.get(hash) !== item) further.set(hash, [...(further.get(hash) ?? []), item]);
  });
}

function findRuns(
  { words, lengths, sieve, first, further }: RunIndex,
  text: string,
  found: Set<number>,
): void {
  const numbers = wordsOf(text).map((word) => words.get(word) ?? 0);
  for (const length of lengths)
    eachRun(numbers, length, (high, low) => {
      if (!(sieve[high >>> 11]! & (1 << (high >>> 6)))) return;
      const hash = joined(high, low);
      const item = first.get(hash);
      if (item === undefined) return;
      found.add(item);
      for (const other of further.get(hash) ?? []) found.add(other);
    });
}

/** Visits two hashes of every run of `length` words that are all known, 32 bits each; 0 is a word unknown. */
function eachRun(
  numbers: readonly number[],
  length: number,
  visit: (high: number, low: number) => void,
): void {
  const highPower = power(HIGH_BASE, length);
  const lowPower = power(LOW_BASE, length);
  let high = 0;
  let low = 0;
  let known = 0;
  for (let i = 0; i < numbers.length; i++) {
    const coming = scattered(numbers[i]!);
    const going = i < length ? 0 : scattered(numbers[i - length]!);
    high = (Math.imul(high, HIGH_BASE) + coming - Math.imul(going, highPower)) | 0;
    low = (Math.imul(low, LOW_BASE) + coming - Math.imul(going, lowPower)) | 0;
    known = numbers[i] === 0 ? 0 : known + 1;
    if (known >= length) visit(high, low);
  }
}

/** base^exponent modulo 2³² */
function power(base: number, exponent: number): number {
  let value = 1;
  for (let i = 0; i < exponent; i++) value = Math.imul(value, base);
  return value;
}

/** One key from both, which a double holds exactly. */
function joined(high: number, low: number): number {
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}

/** Neighbouring numbers far apart. */
function scattered(number: number): number {
  const mixed = Math.imul(number ^ (number >>> 15), 0x2c1b3c6d);
  return Math.imul(mixed ^ (mixed >>> 12), 0x297a2d39);
}

/** How many words a text has here. */
export function wordCount(text: string): number {
  return wordsOf(text).length;
}

/** Words in lower case; punctuation separates them, but for apostrophes, which go. */
function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replaceAll(/['’]/g, '')
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  );
}
