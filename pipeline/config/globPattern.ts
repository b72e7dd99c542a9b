// Globs over the names of files below a folder, as users of the Hub write them.
// Node's own path.matchesGlob came with Node 22; this covers the three wildcards in use.

/** "**" stands for any folders (or none), "*" and "?" stay within a name; the whole name must match. */
export function globPattern(glob: string): RegExp {
  const meanings: Record<string, string> = { '**/': '(?:.*/)?', '**': '.*', '*': '[^/]*', '?': '[^/]' };
  const source = glob.replaceAll(/\*\*\/|\*\*|\*|\?|[^\w/]/g, (part) => meanings[part] ?? `\\${part}`);
  return new RegExp(`^${source}$`);
}
