// The mix: what became of each dataset's rows, and the lengths of the samples.
import { isRecord, recordsOf, type JsonRecord } from './jsonRecord.ts';
import { markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { statisticsTables } from './statisticsTables.ts';

/** Rows, samples and tokens by source, and rejected rows by reason. */
export function mixSection(run: Run): Section {
  const section = { id: 'mix', title: 'The mix' };
  if (!run.mix) return { ...section, content: missing(run, 'mix') };
  return {
    ...section,
    content: [
      markup`<p>The text that the teacher reads and the student learns. Held-out samples are never trained on;
target tokens are those that are learned. Rows neither kept nor rejected were not needed.</p>
`,
      staleInputs(run, { name: 'mix', manifest: run.mix }),
      statisticsTables(rejectionsApart(run.mix.statistics), {
        captions: { sources: 'Rows, samples and tokens', rejected: 'Rejected rows by reason' },
      }),
    ],
  };
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
