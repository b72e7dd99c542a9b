// A text as the set of its word n-grams ("shingles"), and how alike two such sets are: Broder's resemblance of documents
// (1997, "On the resemblance and containment of documents"), the Jaccard similarity |A ∩ B| / |A ∪ B|.
// Words are what white space separates, in lower case. Punctuation stays, as it is what tells "3 + 5" from "3 - 5".
// A shingle is known by a hash of 32 bits: of two texts of 1,000 words, one of 5,000 pairs has two that collide.

const WORD_BASE = 0x01000193;
const RUN_BASE = 0x9e3779b1;

/** White space as `\s` of a regular expression has it. */
const SPACE = 0x20;
const OTHER_SPACES = new Set(
  Array.from('\t\n\v\f\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff', (space) =>
    space.charCodeAt(0),
  ).concat(Array.from({ length: 11 }, (_, i) => 0x2000 + i)),
);

/** The hashes of all runs of `length` words, ascending, each once. A shorter text is one run; one without words none. */
export function shinglesOf(text: string, length: number): Uint32Array {
  const words = wordHashes(text);
  const size = Math.min(length, words.length);
  if (size === 0) return new Uint32Array();
  const runs = new Uint32Array(words.length - size + 1);
  for (let start = 0; start < runs.length; start++) {
    let hash = size;
    for (let i = start; i < start + size; i++) hash = (Math.imul(hash, RUN_BASE) + words[i]!) | 0;
    runs[start] = mixed(hash);
  }
  return distinct(runs.sort());
}

/** |A ∩ B| / |A ∪ B| of two ascending lists without repetitions; of two empty ones 1. */
export function jaccard(a: Uint32Array, b: Uint32Array): number {
  let common = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) common++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  const union = a.length + b.length - common;
  return union === 0 ? 1 : common / union;
}

/** Whether two texts have the same words in the same order. */
export function sameWords(a: string, b: string): boolean {
  return a === b || normalized(a) === normalized(b);
}

function normalized(text: string): string {
  return text.toLowerCase().trim().split(/\s+/).join(' ');
}

/** A hash of each word, read off the characters: no word is ever made a string, which would take most of the time. */
function wordHashes(text: string): Int32Array {
  const lower = text.toLowerCase();
  const hashes = new Int32Array((lower.length + 1) >> 1);
  let count = 0;
  let isOpen = false;
  let hash = 0;
  for (let i = 0; i <= lower.length; i++) {
    const code = i < lower.length ? lower.charCodeAt(i) : SPACE;
    if (code !== SPACE && !OTHER_SPACES.has(code)) {
      hash = Math.imul(hash ^ (code + 1), WORD_BASE) ^ (hash >>> 15);
      isOpen = true;
    } else if (isOpen) {
      hashes[count++] = mixed(hash);
      [hash, isOpen] = [0, false];
    }
  }
  return hashes.subarray(0, count);
}

/** Every bit of the hash to depend on every other (the last step of MurmurHash3). */
function mixed(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function distinct(sorted: Uint32Array): Uint32Array {
  let count = 0;
  for (let i = 0; i < sorted.length; i++)
    if (i === 0 || sorted[i] !== sorted[i - 1]) sorted[count++] = sorted[i]!;
  return sorted.slice(0, count);
}
