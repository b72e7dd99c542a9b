// A chart with what is said of it, the key to its colours, and its numbers in a table for those who cannot or do not
// want to read it off the picture.
import { colourOf, dashesOf } from './chart.ts';
import { markup, type Markup, type Part } from './markup.ts';

/** A caption, the chart, and the table behind it, closed. Nothing where there is no chart. */
export function figure(
  chart: Markup | undefined,
  { caption, legend, numbers }: { caption: Part; legend?: Part; numbers?: Part },
): Markup | undefined {
  if (!chart) return undefined;
  return markup`<figure>
<figcaption>${caption}</figcaption>
${legend}${chart}${numbers === undefined ? undefined : closed('Numbers', numbers)}</figure>
`;
}

/** Figures beside each other where there is room. */
export function figures(...parts: (Markup | undefined)[]): Markup | undefined {
  const drawn = parts.filter((part) => part !== undefined);
  return drawn.length > 0 ? markup`<div class="figures">\n${drawn}</div>\n` : undefined;
}

/** What is shown when asked for. */
export function closed(summary: string, content: Part): Markup {
  return markup`<details><summary>${summary}</summary>\n${content}</details>\n`;
}

/** An entry of a legend. */
export interface LegendEntry {
  name: string;
  look: number;
  mark?: 'line' | 'circle' | 'hollow circle' | 'diamond';
}

/** The key to colours and marks. */
export function legend(entries: readonly LegendEntry[]): Markup {
  return markup`<ul class="legend">
${entries.map(({ name, look, mark = 'line' }) => markup`<li>${keyOf(look, mark)} ${name}</li>\n`)}</ul>
`;
}

function keyOf(look: number, mark: NonNullable<LegendEntry['mark']>): Markup {
  const colour = colourOf(look);
  const shapes = {
    line: markup`<path d="M1,6H27" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dashesOf(look).join(' ')}"/>`,
    circle: markup`<circle cx="14" cy="6" r="4" fill="${colour}" stroke="${colour}" stroke-width="1.75"/>`,
    'hollow circle': markup`<circle cx="14" cy="6" r="4" fill="var(--page)" stroke="${colour}" stroke-width="1.75"/>`,
    diamond: markup`<path d="M14,1L19,6L14,11L9,6Z" fill="${colour}"/>`,
  };
  return markup`<svg class="key" viewBox="0 0 28 12" aria-hidden="true">${shapes[mark]}</svg>`;
}
