// The candidates of one source: its rows become conversations, are ranked by their text, and only those that can still
// get in are rendered and tokenized. (Of a million rows some thousands are, and tokenizing is what costs time.)
// Every row that is turned down is told of with its reason.
import {
  columnsOfLayout,
  conversationOf,
  fittingLayouts,
  type Conversation,
  type Unusable,
} from './datasetFormats.ts';
import type { DatasetFile } from './datasetSources.ts';
import { layoutsOf, type MixConfig } from './mixConfig.ts';
import { columnsOf, readRows } from './readRows.ts';
import { lowestRanked, rankOf } from './selection.ts';
import type { ChatTokenizer } from './tokenizer.ts';
import {
  sampleText,
  type EncodedSample,
  type Rejected,
  type SampleEncoder,
  type SampleText,
} from './trainingSample.ts';

/** Where a row comes from; `row` counts from 0 within the file. */
export interface Origin {
  source: string;
  file: string;
  row: number;
}

/** A sample that may get into the mix. */
export type Candidate = Origin & SampleText & EncodedSample & { rank: string };

/** A line of rejected.jsonl. */
export type Rejection = Origin & { reason: string };

/** What a source gave. */
export interface Collected {
  source: string;
  /** The samples asked for; there may be fewer candidates. */
  wanted: number;
  rowsRead: number;
  rejected: Record<string, number>;
  candidates: Candidate[];
}

/** What all sources are collected with. */
export interface Collecting {
  config: MixConfig;
  tokenizer: ChatTokenizer;
  encode: SampleEncoder;
  /** Ids that other sources have given already. */
  taken: ReadonlySet<string>;
  reject: (rejections: Rejection[]) => Promise<void>;
}

/** Rows tokenized at a time: enough for all cores, few enough for memory (an encoding takes 100 bytes a token). */
const rowsPerBatch = 128;

/** The `wanted` lowest-ranked samples of a source. */
export async function collectSource(
  { source, files, wanted }: { source: string; files: DatasetFile[]; wanted: number },
  { config, tokenizer, encode, taken, reject }: Collecting,
): Promise<Collected> {
  const lowest = lowestRanked<Candidate>({ size: wanted, taken });
  const render = renderer({ config, tokenizer, admits: lowest.admits });
  const rejections: Rejection[] = [];
  const drop = ({ file, row }: Origin, reason: string) => rejections.push({ source, file, row, reason });
  const rejected: Record<string, number> = {};
  let rowsRead = 0;
  for await (const rows of conversations({ source, files, config })) {
    rowsRead += rows.length;
    const texts: (Origin & RankedText)[] = [];
    for (const { origin, conversation } of rows) {
      const outcome = 'reason' in conversation ? conversation : render(conversation);
      if (outcome && 'reason' in outcome) drop(origin, outcome.reason);
      else if (outcome) texts.push({ ...origin, ...outcome });
    }
    for (const [i, encoded] of (await encode(texts)).entries()) {
      if ('reason' in encoded) drop(texts[i]!, encoded.reason);
      const loser = 'reason' in encoded ? undefined : lowest.add({ ...texts[i]!, ...encoded });
      if (loser) drop(loser, 'duplicate');
    }
    for (const { reason } of rejections) rejected[reason] = (rejected[reason] ?? 0) + 1;
    await reject(rejections.splice(0));
  }
  return { source, wanted, rowsRead, rejected, candidates: lowest.members() };
}

interface ReadRow {
  origin: Origin;
  conversation: Conversation | Unusable;
}

/** All rows of a source, a batch at a time. */
async function* conversations({
  source,
  files,
  config,
}: {
  source: string;
  files: DatasetFile[];
  config: MixConfig;
}): AsyncGenerator<ReadRow[]> {
  for (const { name: file, path } of files) {
    const columns = await columnsOf(path);
    const layouts = fittingLayouts(layoutsOf(config.sources[source]!), { file: path, columns });
    let row = 0;
    for await (const rows of readRows(path, { columns: [...new Set(layouts.flatMap(columnsOfLayout))] }))
      for (let start = 0; start < rows.length; start += rowsPerBatch)
        yield rows.slice(start, start + rowsPerBatch).map((value) => ({
          origin: { source, file, row: row++ },
          conversation: conversationOf(value, layouts),
        }));
  }
}

type RankedText = SampleText & { rank: string };

/** Renders a conversation; undefined when it ranks too high to be worth it. */
function renderer({
  config: { seed, system_prompt },
  tokenizer,
  admits,
}: Pick<Collecting, 'config' | 'tokenizer'> & { admits: (rank: string) => boolean }) {
  return (conversation: Conversation): RankedText | Rejected | undefined => {
    const rank = rankOf(seed, 'choice', JSON.stringify(conversation));
    if (!admits(rank)) return undefined;
    return { rank, ...sampleText(conversation, { tokenizer, systemPrompt: system_prompt }) };
  };
}
