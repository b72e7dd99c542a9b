// The candidates of one source: its rows become conversations, are ranked by their text, and only those that can still
// get in are rendered and tokenized. (Of a million rows some thousands are, and tokenizing is what costs time.)
// Every row that is turned down is told of with its reason.
import type { Conversation } from './datasetFormats.ts';
import type { DatasetFile } from './datasetSources.ts';
import type { MixConfig } from './mixConfig.ts';
import { lowestRanked, rankOf } from './selection.ts';
import { sourceRows } from './sourceRows.ts';
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
  /** Rows by the columns that their conversation is from. */
  columns: Record<string, number>;
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
  const columnsTaken: Record<string, number> = {};
  let rowsRead = 0;
  for await (const rows of sourceRows({ source, files, config })) {
    rowsRead += rows.length;
    const texts: (Origin & RankedText)[] = [];
    for (const { origin, conversation, columns } of rows) {
      if (columns !== undefined) columnsTaken[columns] = (columnsTaken[columns] ?? 0) + 1;
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
  return { source, wanted, rowsRead, rejected, columns: columnsTaken, candidates: lowest.members() };
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
