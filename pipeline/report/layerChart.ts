// The quantization error of every matrix: a column a decoder layer, a row a kind of matrix. The
// shade is opacity over the page, so it works on a light page as on a dark one.
import { chart } from './chart.ts';
import { formatNumber } from './formatNumber.ts';
import type { Markup } from './markup.ts';

/** The error of one matrix. */
export interface LayerError {
  layer: number;
  kind: string;
  error: number;
}

const ROW = 18; // pixels

/** The chart of all errors. */
export function layerChart(
  errors: readonly LayerError[],
  words: { id: string; title: string },
): Promise<Markup> {
  const kinds = [...new Set(errors.map(({ kind }) => kind))];
  const layers = errors.map(({ layer }) => layer);
  const range = [errors, errors].map((all, i) =>
    all.reduce((a, b) => (b.error > a.error === (i === 1) ? b : a)),
  );
  const [least, most] = range as [LayerError, LayerError];
  const description = `From ${formatNumber(least.error)} in ${nameOf(least)} to ${formatNumber(most.error)} in ${nameOf(most)}.`;
  const values = errors.map(({ layer, kind, error }) => ({
    ...{ from: layer - 0.5, to: layer + 0.5, kind, error },
  }));
  const scale = { domain: [least.error * 0.9, most.error], range: [0.08, 1] };
  return chart(
    [
      {
        data: { values },
        mark: { type: 'rect', fill: 'var(--line-0)', stroke: 'var(--page)', strokeWidth: 1 },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            axis: { title: 'layer', tickMinStep: 1, format: 'd' },
            scale: { domain: [Math.min(...layers) - 0.5, Math.max(...layers) + 0.5], nice: false },
          },
          x2: { field: 'to' },
          y: { field: 'kind', type: 'nominal', sort: kinds, axis: { title: null } },
          fillOpacity: { field: 'error', type: 'quantitative', scale, legend: null },
        },
      },
    ],
    { ...words, description },
    { height: kinds.length * ROW, padding: { left: 112, right: 12, top: 8, bottom: 36 } },
  );
}

function nameOf({ layer, kind }: LayerError): string {
  return `${kind} of layer ${layer}`;
}
