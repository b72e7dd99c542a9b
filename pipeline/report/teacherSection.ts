// The quantized teacher: what each matrix lost, and what that costs in its predictions.
import type { Manifest } from '../artifact/manifest.ts';
import { kindOf } from '../teacher/quantizationSettings.ts';
import { qualityByKind, type LayerQuality } from '../teacher/teacherStatistics.ts';
import { closed, figure, figures } from './figure.ts';
import { formatBytes, formatNumber, formatShare } from './formatNumber.ts';
import { isRecord, recordsOf, type JsonRecord } from './jsonRecord.ts';
import { layerChart, type LayerError } from './layerChart.ts';
import { markup, type Markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { rowChart } from './rowChart.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { statisticsTables } from './statisticsTables.ts';
import { table } from './table.ts';

/** Bits, group size, size and error by kind of module and by layer; divergence from the original. */
export async function teacherSection(run: Run): Promise<Section> {
  const section = { id: 'teacher', title: 'The teacher' };
  if (!run.teacher) return { ...section, content: missing(run, 'teacher') };
  const { statistics } = run.teacher;
  const modules = recordsOf(statistics.modules) as Record<string, LayerQuality>;
  return {
    ...section,
    content: [
      summary(statistics),
      staleInputs(run, { name: 'teacher', manifest: run.teacher, model: run.sources?.teacher.fingerprint }),
      figures(await errorFigure(errorsOf(modules)), await costFigure(fidelityOf(run.logits))),
      closed(
        'All figures of the teacher',
        statisticsTables(
          { ...statistics, modules: qualityByKind(modules) },
          { captions: { overall: 'The teacher overall', modules: 'Quantized layers' }, heading: 'kind' },
        ),
      ),
    ],
  };
}

function summary({ total }: JsonRecord): Markup {
  const { bits_per_weight: bits, bytes, mean_relative_error: error } = isRecord(total) ? total : {};
  const size =
    typeof bits === 'number' && typeof bytes === 'number'
      ? markup` to ${formatNumber(bits)} bits a weight, scales included; all of it takes ${formatBytes(bytes)}`
      : undefined;
  const loss =
    typeof error === 'number' ? markup` On average a matrix is off by ${formatShare(error)}.` : undefined;
  return markup`<p>Its linear layers are quantized by HQQ${size}.${loss} The error is that of the weights, relative, in
the Frobenius norm.</p>
`;
}

function errorsOf(modules: Record<string, LayerQuality>): LayerError[] {
  return Object.entries(modules).flatMap(([name, { relative_error: error }]) => {
    const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
    return layer === undefined || typeof error !== 'number'
      ? []
      : [{ layer: Number(layer), kind: kindOf(name), error }];
  });
}

async function errorFigure(errors: readonly LayerError[]): Promise<Markup | undefined> {
  if (errors.length === 0) return undefined;
  const chart = await layerChart(errors, { id: 'teacher-errors', title: 'Quantization error by layer' });
  const kinds = [...new Set(errors.map(({ kind }) => kind))];
  const layers = [...new Set(errors.map(({ layer }) => layer))].sort((a, b) => a - b);
  const all = errors.map(({ error }) => error);
  const range = `${formatShare(Math.min(...all))} to ${formatShare(Math.max(...all))}`;
  return figure(chart, {
    caption: markup`Error of every matrix, ${range}: the stronger the colour, the larger`,
    numbers: table({
      caption: 'Relative error by layer',
      head: ['layer', ...kinds],
      rows: layers.map((layer) => [
        String(layer),
        ...kinds.map((kind) => errors.find((each) => each.layer === layer && each.kind === kind)?.error),
      ]),
    }),
  });
}

/** Figures of fidelity by source and in total; none where they were not measured. */
export function fidelityOf(logits: Manifest | undefined): Record<string, JsonRecord> {
  return recordsOf(logits?.statistics.fidelity);
}

async function costFigure(fidelity: Record<string, JsonRecord>): Promise<Markup | undefined> {
  const rows = Object.entries(fidelity).flatMap(([name, { kl_original_teacher: kl }]) =>
    typeof kl === 'number' ? [{ name, note: formatNumber(kl), points: [{ value: kl, look: 0 }] }] : [],
  );
  if (rows.length === 0) return undefined;
  const { tokens, top1_agreement: agreement } = fidelity.total ?? {};
  const chart = await rowChart(rows, {
    id: 'teacher-cost',
    title: 'KL between the teacher before and after quantization, by source',
    description: `${rows.map(({ name, note }) => `${name} ${note}`).join(', ')} nats.`,
    xTitle: 'KL(original ‖ quantized), nats',
    marks: 'bars',
  });
  const same =
    typeof agreement === 'number' && typeof tokens === 'number'
      ? markup`; the same most probable token at ${formatShare(agreement)} of ${formatNumber(tokens)} positions`
      : undefined;
  return figure(chart, { caption: markup`What quantization costs${same}` });
}
