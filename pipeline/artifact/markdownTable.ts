// Tables of the cards that go with models and mixes.

/** A table in Markdown; a bar in a cell would end it. */
export function markdownTable([head, ...rows]: string[][]): string {
  const line = (row: string[]) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [head!, head!.map(() => '---'), ...rows].map(line).join('\n');
}
