// Charts as inline SVG, drawn by Vega-Lite when the report is made: the page needs no script. Colours are CSS variables of
// report.css, so a chart follows the light or dark page; sizes are those of a phone's column, so that text keeps its
// size there. Layout is fixed, as text cannot be measured without a browser.
import { parse, View } from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';
import { markup, trusted, type Markup } from './markup.ts';

/** What a chart is called and what it shows, for those who do not see it; `id` is unique in the page. */
export interface ChartWords {
  id: string;
  title: string;
  description: string;
}

/** The frame of a chart in pixels: its plot, and the room around it for axes. */
export interface ChartFrame {
  width?: number;
  height: number;
  padding?: { left: number; right: number; top: number; bottom: number };
}

/** What is drawn: layers over one pair of axes. */
export type ChartLayers = Extract<TopLevelSpec, { layer: unknown }>['layer'];

const FULL_WIDTH = 340;

/** One axis of numbers. */
export interface ChartAxis {
  field: string;
  type: 'quantitative';
  scale: { type?: 'linear' | 'log'; domain?: number[]; nice?: boolean; zero?: boolean };
  axis: {
    title: string;
    /** In the form of d3-format. */
    format: string;
    grid?: boolean;
    domain?: boolean;
    ticks?: boolean;
    values?: number[];
  } | null;
}

/** How many lines or kinds of points can be told apart; more begin again. */
const LOOKS = 6;

/** The look of what the runs are measured against. */
export const NEUTRAL = -1;

/** The colour of the line or point number `look`. */
export function colourOf(look: number): string {
  return look === NEUTRAL ? 'var(--soft)' : `var(--line-${look % LOOKS})`;
}

const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 2, 2, 2],
  [10, 4],
  [4, 1],
];

/** The dashes that tell lines apart without colour. */
export function dashesOf(look: number): number[] {
  return DASHES[Math.max(look, 0) % LOOKS]!;
}

/** The layers as SVG. */
export async function chart(
  layer: ChartLayers,
  { id, title, description }: ChartWords,
  { width, height, padding = { left: 44, right: 12, top: 10, bottom: 36 } }: ChartFrame,
): Promise<Markup> {
  const { left, right, top, bottom } = padding;
  const plotWidth = width ?? FULL_WIDTH - left - right;
  const spec: TopLevelSpec = {
    ...{ width: plotWidth, height, padding, layer },
    autosize: { type: 'none' },
    config: CONFIG,
  };
  const svg = await new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
  return markup`<svg viewBox="0 0 ${plotWidth + left + right} ${height + top + bottom}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${description}</desc>
${trusted(withoutFrame(svg))}
</svg>
`;
}

/** What Vega puts into its own <svg>, without the empty paths that it leaves for other renderers. */
function withoutFrame(svg: string): string {
  return svg
    .replace(/^<svg[^>]*>|<\/svg>$/g, '')
    .replaceAll(/<path class="(back|fore)ground"[^>]* d="(M0,0h0v0h0Z)?"[^>]*\/>/g, '')
    .replaceAll(/ (aria-[a-z]+|role|pointer-events|class|font-family|opacity)="[^"]*"/g, '');
}

const CONFIG: NonNullable<TopLevelSpec['config']> = {
  aria: false,
  background: 'transparent',
  view: { stroke: null },
  axis: {
    labelColor: 'var(--soft)',
    titleColor: 'var(--soft)',
    titleFontWeight: 'normal',
    gridColor: 'var(--rule)',
    domainColor: 'var(--rule)',
    tickColor: 'var(--rule)',
    labelFontSize: 11,
    titleFontSize: 11,
    labelOverlap: true,
    tickCount: 5,
  },
  axisY: { domain: false, ticks: false },
  axisX: { grid: false, labelFlush: true },
  text: { color: 'var(--text)', fontSize: 11 },
};
