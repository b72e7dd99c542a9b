// Rows with a name, a note, and what is measured of each: a bar from zero, or points with their 95 % intervals. Names
// stand above their rows, so long ones fit on a phone.
import { chart, colourOf, type ChartAxis, type ChartLayers, type ChartWords } from './chart.ts';
import type { Markup } from './markup.ts';

/** One value in a row. */
export interface RowPoint {
  value: number;
  interval?: readonly [low: number, high: number] | undefined;
  /** Number of the colour. */
  look: number;
  /** Hollow: what others are measured against, or what may be noise. */
  isHollow?: boolean;
  /** Without it a circle. */
  shape?: 'circle' | 'diamond';
}

/** A row of the chart. */
export interface Row {
  name: string;
  /** On the right, such as the value in figures. */
  note: string;
  points: readonly RowPoint[];
}

interface RowOptions extends ChartWords {
  xTitle: string;
  /** Of the axis, as d3-format has it. */
  format?: string;
  marks: 'bars' | 'points';
}

const NAME_HEIGHT = 17; // pixels
const POINT_HEIGHT = 11;
const MOST_LETTERS = 48; // of name and note beside each other

/** The chart of the rows over a common axis. */
export function rowChart(
  rows: readonly Row[],
  { marks, xTitle, format = '.3~g', ...words }: RowOptions,
): Promise<Markup> {
  const { names, points, height } = placed(rows);
  const axes: Axes = {
    x: {
      field: 'value',
      type: 'quantitative',
      scale: { zero: marks === 'bars', nice: true },
      axis: { title: xTitle, format, grid: true, domain: false, ticks: false },
    },
    y: { field: 'y', type: 'quantitative', scale: { domain: [height, 0], nice: false }, axis: null },
  };
  const layers: ChartLayers = [
    ...(marks === 'bars' ? barLayers(points, axes) : pointLayers(points, axes)),
    ...textLayers(names, axes),
  ];
  return chart(layers, words, { height, padding: { left: 1, right: 8, top: 4, bottom: 36 } });
}

type Place = { y: number };
type PlacedPoint = RowPoint & Place;
type PlacedName = Pick<Row, 'name' | 'note'> & Place;

/** Whether the note has room beside the name; where not, it is in the chart's description and its table alone. */
function fits(name: string, note: string): boolean {
  return name.length + note.length < MOST_LETTERS;
}

interface Axes {
  x: ChartAxis;
  y: ChartAxis;
}

/** Where names and points stand, from the top down. */
function placed(rows: readonly Row[]): { names: PlacedName[]; points: PlacedPoint[]; height: number } {
  const names: PlacedName[] = [];
  const points: PlacedPoint[] = [];
  let height = 0;
  for (const { name, note, points: own } of rows) {
    names.push({ name, note: fits(name, note) ? note : '', y: height + NAME_HEIGHT - 5 });
    height += NAME_HEIGHT;
    for (const point of own) {
      points.push({ ...point, y: height + POINT_HEIGHT / 2 });
      height += POINT_HEIGHT;
    }
    height += 3;
  }
  return { names, points, height: height + 4 };
}

function barLayers(points: readonly PlacedPoint[], { x, y }: Axes): ChartLayers {
  return points.map((point) => ({
    data: { values: [{ value: point.value, zero: 0, y: point.y - 4, bottom: point.y + 4 }] },
    mark: { type: 'rect', fill: colourOf(point.look) },
    encoding: { x, x2: { field: 'zero' }, y, y2: { field: 'bottom' } },
  }));
}

function pointLayers(points: readonly PlacedPoint[], { x, y }: Axes): ChartLayers {
  const intervals = points.flatMap(({ interval, look, ...point }) =>
    interval ? [{ ...point, colour: colourOf(look), value: interval[0], high: interval[1] }] : [],
  );
  const crossesZero = [...points, ...intervals].some(({ value }) => value < 0);
  return [
    ...(crossesZero ? [zeroLayer(x)] : []),
    {
      data: { values: intervals },
      mark: { type: 'rule', strokeWidth: 2 },
      encoding: { x, x2: { field: 'high' }, y, stroke: { field: 'colour', scale: null } },
    },
    {
      data: {
        values: points.map(({ value, y, look, isHollow, shape = 'circle' }) => {
          return { value, y, shape, colour: colourOf(look), fill: isHollow ? 'var(--page)' : colourOf(look) };
        }),
      },
      mark: { type: 'point', size: 48, strokeWidth: 1.75, opacity: 1 },
      encoding: {
        x,
        y,
        shape: { field: 'shape', scale: null },
        fill: { field: 'fill', scale: null },
        stroke: { field: 'colour', scale: null },
      },
    },
  ];
}

function zeroLayer(x: ChartAxis): ChartLayers[number] {
  return {
    data: { values: [{ value: 0 }] },
    mark: { type: 'rule', stroke: 'var(--soft)', strokeDash: [3, 3] },
    encoding: { x },
  };
}

function textLayers(names: readonly PlacedName[], { y }: Axes): ChartLayers {
  const layer = (field: 'name' | 'note', place: object): ChartLayers[number] => ({
    data: { values: [...names] },
    mark: { type: 'text', baseline: 'alphabetic', ...place },
    encoding: { text: { field }, y },
  });
  return [
    layer('name', { align: 'left', x: 0 }),
    layer('note', { align: 'right', x: { expr: 'width' }, color: 'var(--soft)' }),
  ];
}
