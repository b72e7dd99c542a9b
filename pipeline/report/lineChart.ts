// A line chart as inline SVG: linear axes with round ticks, gaps where a value was not finite. Colours, text size and
// the dashes that tell lines apart without colour are in report.css.
import { formatNumber } from './formatNumber.ts';
import { markup, type Markup } from './markup.ts';
import type { Curve } from './readRun.ts';

const [WIDTH, HEIGHT] = [560, 260];
const MOST_DOTS = 40; // in a longer curve they would touch
const PLOT = { left: 58, right: 530, top: 12, bottom: 220 };

/** What a curve is called, how it looks (0 to 2: colour and dashes), and its points. */
export interface NamedCurve {
  name: string;
  look: number;
  curve: Curve;
}

/** The chart of the curves over `xTitle`; `id` is unique in the page. Nothing when no value is finite. */
export function lineChart(
  curves: readonly NamedCurve[],
  { id, title, xTitle }: { id: string; title: string; xTitle: string },
): Markup | undefined {
  const drawn = curves.filter(({ curve }) => curve.some(([, value]) => value !== null));
  if (drawn.length === 0) return undefined;
  const axes = axesOf(drawn.flatMap(({ curve }) => curve));
  return markup`<figure>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title>
<desc id="${id}-desc">${drawn.map(describe).join('; ')}.</desc>
${gridMarkup(axes, xTitle)}${drawn.map((curve) => lineMarkup(curve, axes))}</svg>
<figcaption>${drawn.map(legendMarkup)}</figcaption>
</figure>
`;
}

function gridMarkup({ x, y }: Axes, xTitle: string): Markup {
  const { left, right, bottom } = PLOT;
  const rows = y.ticks.map(
    (tick) => markup`<path class="grid" d="M${left},${y.at(tick)}H${right}"/>
<text class="y" x="${left - 8}" y="${y.at(tick)}">${formatNumber(tick)}</text>
`,
  );
  const columns = x.ticks.map(
    (tick) => markup`<text class="x" x="${x.at(tick)}" y="${bottom + 18}">${formatNumber(tick)}</text>\n`,
  );
  const caption = markup`<text class="x" x="${(left + right) / 2}" y="${bottom + 36}">${xTitle}</text>\n`;
  return markup`${rows}${columns}${caption}`;
}

function lineMarkup({ look, curve }: NamedCurve, axes: Axes): Markup {
  const dots = markup`<path class="line line-${look} dots" d="${dotsOf(curve, axes)}"/>\n`;
  return markup`<path class="line line-${look}" d="${pathOf(curve, axes)}"/>
${curve.length <= MOST_DOTS ? dots : undefined}`;
}

function legendMarkup({ name, look }: NamedCurve): Markup {
  const key = markup`<path class="line line-${look}" d="M2,4H26"/>`;
  return markup`<span><svg class="key" viewBox="0 0 28 8" aria-hidden="true">${key}</svg> ${name}</span>\n`;
}

interface Axis {
  /** From a value to user units. */
  at: (value: number) => number;
  ticks: number[];
}

interface Axes {
  x: Axis;
  y: Axis;
}

function axesOf(points: Curve): Axes {
  const steps = points.map(([step]) => step);
  const values = points.flatMap(([, value]) => value ?? []);
  return { x: axis(steps, [PLOT.left, PLOT.right], 1), y: axis(values, [PLOT.bottom, PLOT.top]) };
}

/** A scale from the range of `values`, widened to round ticks at least `leastStep` apart, to `[from, to]`. */
function axis(values: readonly number[], [from, to]: readonly [number, number], leastStep = 0): Axis {
  const [low, high] = values.reduce(([l, h], v) => [Math.min(l, v), Math.max(h, v)], [Infinity, -Infinity]);
  const step = roundStep(Math.max(leastStep, (high - low || Math.abs(high) || 1) / 5));
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const at = (value: number) => from + ((value / step - first) / (last - first)) * (to - from);
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    at: (value) => Math.round(10 * at(value)) / 10,
  };
}

/** The least of 1, 2, 5 times a power of ten that is not below `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= step * 0.999)!;
}

/** A line through the points, interrupted where there is no value. */
function pathOf(curve: Curve, { x, y }: Axes): string {
  const pieces = curve.map(([step, value], i) => {
    if (value === null) return '';
    const pen = (curve[i - 1]?.[1] ?? null) === null ? 'M' : 'L';
    return `${pen}${x.at(step)},${y.at(value)}`;
  });
  return pieces.join('');
}

/** A line of no length at each point, which its round ends make a dot. */
function dotsOf(curve: Curve, { x, y }: Axes): string {
  return curve.map(([step, value]) => (value === null ? '' : `M${x.at(step)},${y.at(value)}h0`)).join('');
}

function describe({ name, curve }: NamedCurve): string {
  const finite = curve.flatMap(([step, value]) => (value === null ? [] : [{ step, value }]));
  const ends = [...new Set([finite[0]!, finite.at(-1)!])];
  return `${name}: ${ends.map(({ step, value }) => `${formatNumber(value)} at step ${step}`).join(', ')}`;
}
