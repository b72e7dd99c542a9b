// Curves over the steps of training, one line a run. Long curves are drawn as means over equal groups of steps: more
// points than pixels would only make the page large.
import { chart, colourOf, dashesOf, type ChartLayers } from './chart.ts';
import { formatNumber } from './formatNumber.ts';
import type { Markup } from './markup.ts';
import type { Curve } from './readCurves.ts';

const MOST_POINTS = 240;
const MOST_DOTS = 40; // in a longer curve they would touch

/** What a curve is called, how it looks, and its points. */
export interface NamedCurve {
  name: string;
  /** Number of colour and dashes. */
  look: number;
  curve: Curve;
}

/** The chart of the curves over steps. Nothing when no value is finite. */
export async function lineChart(
  curves: readonly NamedCurve[],
  { id, title, format = '.3~g' }: { id: string; title: string; format?: string },
): Promise<Markup | undefined> {
  const drawn = curves.filter(({ curve }) => curve.some(([, value]) => value !== null));
  if (drawn.length === 0) return undefined;
  const description = `${drawn.map(describe).join('; ')}.`;
  return chart(lineLayers(drawn.map(shortened), format), { id, title, description }, { height: 150 });
}

function lineLayers(curves: readonly NamedCurve[], format: string): ChartLayers {
  const axis = { title: null, format, tickCount: 4 };
  return curves.map(({ look, curve }) => ({
    data: { values: curve.map(([step, value]) => ({ step, value })) },
    mark: {
      type: 'line',
      stroke: colourOf(look),
      strokeDash: dashesOf(look),
      strokeWidth: 1.75,
      strokeJoin: 'round',
      ...(isDotted(curve) && { point: { filled: true, fill: colourOf(look), size: 14, strokeWidth: 0 } }),
    },
    encoding: {
      x: {
        field: 'step',
        type: 'quantitative',
        scale: { nice: false, zero: false },
        axis: { title: 'step', format: ',d', tickMinStep: 1 },
      },
      y: { field: 'value', type: 'quantitative', scale: { zero: false, nice: true }, axis },
    },
  }));
}

/** A point with no neighbour would not be seen in a line. */
function isDotted(curve: Curve): boolean {
  const known = (i: number) => (curve[i]?.[1] ?? null) !== null;
  return curve.length <= MOST_DOTS || curve.some((_, i) => known(i) && !known(i - 1) && !known(i + 1));
}

/** How many steps each point of a long curve stands for; 1 if each is drawn. */
export function stepsPerPoint(curve: Curve): number {
  return Math.ceil(curve.length / MOST_POINTS);
}

function shortened({ curve, ...named }: NamedCurve): NamedCurve {
  const size = stepsPerPoint(curve);
  const groups = Array.from({ length: Math.ceil(curve.length / size) }, (_, i) =>
    curve.slice(i * size, (i + 1) * size),
  );
  return { ...named, curve: groups.map((group) => [group.at(-1)![0], meanOf(group)]) };
}

/** The mean of the values that are finite, null if none is. */
function meanOf(points: Curve): number | null {
  const values = points.flatMap(([, value]) => value ?? []);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function describe({ name, curve }: NamedCurve): string {
  const finite = curve.flatMap(([step, value]) => (value === null ? [] : [{ step, value }]));
  const ends = [...new Set([finite[0]!, finite.at(-1)!])];
  return `${name}: ${ends.map(({ step, value }) => `${formatNumber(value)} at step ${step}`).join(', ')}`;
}
