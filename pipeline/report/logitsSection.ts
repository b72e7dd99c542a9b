// The logits cache: its size, how much of the teacher's probability it keeps, and how true it is to the teacher.
import type { Distributions } from './distributions.ts';
import { closed, figure, figures } from './figure.ts';
import { formatNumber, formatShare } from './formatNumber.ts';
import { histogramChart } from './histogramChart.ts';
import { histogramsOf, linearEdges, logEdges } from './histograms.ts';
import { isRecord, recordsOf, type JsonRecord } from './jsonRecord.ts';
import { markup, type Markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { rowChart } from './rowChart.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { statisticsTables } from './statisticsTables.ts';
import { fidelityOf } from './teacherSection.ts';

const LEAST_TAIL = 1e-5; // below it all is one bin

/** k and tail mass as distributions; samples, positions, bytes a token by source, and fidelity. */
export async function logitsSection(run: Run, { cache }: Distributions): Promise<Section> {
  const section = { id: 'logits', title: 'The logits cache' };
  if (!run.logits) return { ...section, content: missing(run, 'logits') };
  const { total } = run.logits.statistics;
  return {
    ...section,
    content: [
      markup`<p>The teacher’s most probable tokens at every position that is learned. k is how many were kept; tail mass
is the probability of all tokens left out.${sizes(isRecord(total) ? total : {})}${fidelity(run)}</p>
`,
      staleInputs(run, { name: 'logits', manifest: run.logits }),
      figures(
        cache && (await keptFigure(cache)),
        cache && (await tailFigure(run, cache)),
        await bytesFigure(run.logits.statistics),
      ),
      closed(
        'All figures of the cache',
        statisticsTables(run.logits.statistics, {
          captions: { overall: 'The cache overall', sources: 'The cache by source' },
        }),
      ),
    ],
  };
}

function sizes({ tokens, mean_k: k, bytes_per_token: bytes }: Record<string, unknown>): Markup | undefined {
  if (typeof tokens !== 'number' || typeof k !== 'number' || typeof bytes !== 'number') return undefined;
  return markup` Here ${formatNumber(tokens)} positions keep ${formatNumber(k)} tokens each on average, in
${formatNumber(bytes)} bytes.`;
}

function fidelity({ logits }: Run): Markup | undefined {
  const kl = fidelityOf(logits).total?.kl_live_cache;
  return typeof kl === 'number'
    ? markup` Reading it back instead of running the teacher costs a KL of ${formatNumber(kl)} nats.`
    : undefined;
}

type Cache = NonNullable<Distributions['cache']>;

async function keptFigure({ kept, samples }: Cache): Promise<Markup | undefined> {
  const edges = linearEdges(kept);
  const histograms = histogramsOf(kept, edges);
  const chart = await histogramChart(histograms, {
    id: 'logits-kept',
    title: 'Tokens kept at a position, by source',
    description: `${histograms.map(({ name, note }) => `${name}: ${note}`).join(', ')}.`,
    edges,
    xTitle: 'k, tokens kept',
  });
  return figure(chart, {
    caption: markup`How many tokens a position keeps, over ${formatNumber(samples)} samples`,
  });
}

async function tailFigure(run: Run, { tailMass }: Cache): Promise<Markup | undefined> {
  if (run.logits?.statistics.draws !== undefined) return undefined; // drawn tokens have no outside
  const edges = logEdges(LEAST_TAIL);
  const histograms = histogramsOf(tailMass, edges, formatShare);
  const chart = await histogramChart(histograms, {
    id: 'logits-tail',
    title: 'Tail mass at a position, by source',
    description: `${histograms.map(({ name, note }) => `${name}: ${note}`).join(', ')}.`,
    edges,
    xTitle: 'tail mass',
    scale: 'log',
    format: '~%',
  });
  return figure(chart, { caption: 'How much of the teacher’s probability is left out (log scale)' });
}

async function bytesFigure({ sources, total }: JsonRecord): Promise<Markup | undefined> {
  const all = Object.entries({ ...recordsOf(sources), ...recordsOf({ total }) });
  const rows = all.flatMap(([name, { bytes_per_token: bytes }]) =>
    typeof bytes === 'number' ? [{ name, note: bytes.toFixed(0), points: [{ value: bytes, look: 0 }] }] : [],
  );
  if (rows.length === 0) return undefined;
  const chart = await rowChart(rows, {
    id: 'logits-bytes',
    title: 'Bytes a token by source',
    description: `${rows.map(({ name, note }) => `${name} ${note}`).join(', ')}.`,
    xTitle: 'bytes a position',
    marks: 'bars',
  });
  return figure(chart, { caption: 'What a position takes on disk' });
}
