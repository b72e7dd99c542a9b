// Globs over the names of files below a folder, as users of the Hub write them.
// Node's own path.matchesGlob came with Node 22; this covers the four wildcards in use.

const MEANINGS: Record<string, string> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };

/**
 * "**" stands for any folders (or none), "*" and "?" stay within a name, "[0-4]" is one character of those, "[!0-4]" one of
 * all others; the whole name must match.
 */
export function globPattern(glob: string): RegExp {
  const source = glob.replaceAll(
    /\*\*\/|\*\*|\*|\?|\[!?(?:\w-\w|[\w.-])+\]|[^\w/]/g,
    (part) => MEANINGS[part] ?? (part.length > 1 ? oneOf(part) : `\\${part}`),
  );
  return new RegExp(`^${source}$`);
}

/** A range that runs backwards holds nothing, as in Python. */
function oneOf(brackets: string): string {
  const members = brackets
    .slice(1, -1)
    .replaceAll(/(\w)-(\w)/g, (range, first: string, last: string) => (first > last ? '' : range));
  if (members === '' || members === '!') return members === '' ? '(?!)' : '[^/]';
  return members.startsWith('!') ? `[^/${members.slice(1)}]` : `[${members}]`;
}
