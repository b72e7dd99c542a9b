// The mix: what each source contributes, how long its samples are, and what became of each dataset's rows.
import type { Distributions, ValuesBySource } from './distributions.ts';
import { closed, figure, figures } from './figure.ts';
import { formatNumber, formatShare } from './formatNumber.ts';
import { histogramChart } from './histogramChart.ts';
import { histogramsOf, linearEdges } from './histograms.ts';
import { isRecord, recordsOf, wordsOf, type JsonRecord } from './jsonRecord.ts';
import { markup, type Markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { rowChart } from './rowChart.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { statisticsTables } from './statisticsTables.ts';

/** Shares, lengths, rows, samples and tokens by source, and rejected rows by reason. */
export async function mixSection(run: Run, { lengths }: Distributions): Promise<Section> {
  const section = { id: 'mix', title: 'The mix' };
  if (!run.mix) return { ...section, content: missing(run, 'mix') };
  const tables = statisticsTables(rejectionsApart(run.mix.statistics), {
    captions: {
      overall: 'The mix overall',
      sources: 'Rows, samples and tokens',
      rejected: 'Rejected rows by reason',
    },
  });
  return {
    ...section,
    content: [
      markup`<p>The text that the teacher reads and the student learns from. Held-out samples are never trained on;
target tokens are those that are learned.</p>
`,
      staleInputs(run, { name: 'mix', manifest: run.mix }),
      figures(
        await sharesFigure(run.mix.statistics),
        lengths && (await lengthsFigure(lengths)),
        await rejectionsFigure(run.mix.statistics),
      ),
      closed('All figures of the mix', [
        markup`<p>Rows neither kept nor rejected were not needed.</p>\n`,
        tables,
      ]),
    ],
  };
}

async function sharesFigure({ sources }: JsonRecord): Promise<Markup | undefined> {
  const tokens = Object.entries(recordsOf(sources)).flatMap(([name, { target_tokens: own }]) =>
    typeof own === 'number' ? [{ name, own }] : [],
  );
  const total = tokens.reduce((sum, { own }) => sum + own, 0);
  if (total === 0) return undefined;
  const rows = tokens.map(({ name, own }) => ({
    name,
    note: formatShare(own / total),
    points: [{ value: own / total, look: 0 }],
  }));
  const chart = await rowChart(rows, {
    id: 'mix-shares',
    title: 'Share of each source in the target tokens',
    description: `${rows.map(({ name, note }) => `${name} ${note}`).join(', ')}.`,
    xTitle: 'share of target tokens',
    format: '.0%',
    marks: 'bars',
  });
  return figure(chart, {
    caption: markup`What each source contributes, of ${formatNumber(total)} tokens that are learned`,
  });
}

async function lengthsFigure(lengths: ValuesBySource): Promise<Markup | undefined> {
  const edges = linearEdges(lengths);
  const histograms = histogramsOf(lengths, edges);
  const chart = await histogramChart(histograms, {
    id: 'mix-lengths',
    title: 'Tokens of the samples by source',
    description: `${histograms.map(({ name, note }) => `${name}: ${note} tokens`).join(', ')}.`,
    edges,
    xTitle: 'tokens of a sample',
  });
  return figure(chart, { caption: 'How long the samples are, prompt and answer' });
}

async function rejectionsFigure({ sources }: JsonRecord): Promise<Markup | undefined> {
  const rows = Object.entries(recordsOf(sources)).flatMap(([name, { rejected, rows_read: read }]) => {
    const reasons = Object.entries(isRecord(rejected) ? rejected : {}).flatMap(([reason, count]) =>
      typeof count === 'number' ? [{ reason: wordsOf(reason), count }] : [],
    );
    const value = reasons.reduce((sum, { count }) => sum + count, 0);
    const of = typeof read === 'number' ? ` of ${formatNumber(read)}` : '';
    const [most, ...others] = reasons.toSorted((a, b) => b.count - a.count);
    const why = most ? `, ${others.length > 0 ? 'mostly ' : ''}${most.reason}` : '';
    const note = `${value > 0 ? formatNumber(value) : 'none'}${of}${why}`; // all reasons are in the table
    return [{ name, note, points: [{ value, look: 0 }] }];
  });
  if (!rows.some(({ points }) => points[0]!.value > 0)) return undefined;
  const chart = await rowChart(rows, {
    id: 'mix-rejected',
    title: 'Rejected rows by source',
    description: `${rows.map(({ name, note }) => `${name}: ${note}`).join('; ')}.`,
    xTitle: 'rows',
    format: '~s',
    marks: 'bars',
  });
  return figure(chart, { caption: 'Rejected rows and why, of those that were read' });
}

/** The reasons in a table of their own, as they are many; a source has 0 rows for those that only others have. */
function rejectionsApart(statistics: JsonRecord): JsonRecord {
  const sources = Object.entries(recordsOf(statistics.sources));
  const rejected = sources.map(
    ([name, source]) => [name, isRecord(source.rejected) ? source.rejected : {}] as const,
  );
  const none = Object.fromEntries(
    rejected.flatMap(([, rows]) => Object.keys(rows).map((reason) => [reason, 0])),
  );
  return {
    ...statistics,
    sources: Object.fromEntries(
      sources.map(([name, source]) => [name, { ...source, rejected: undefined, columns: undefined }]),
    ),
    rejected: Object.fromEntries(rejected.map(([name, rows]) => [name, { ...none, ...rows }])),
  };
}
