// The samples of one source: in the order of their ranks, which are hashes of their texts, its rows are taken until there
// are as many as wanted, but for those that make no sample and those that are not chosen (chooseSamples.ts). That is what
// the samples are; that they are found in one reading of the files, keeping the lowest ranks, is how. So neither the
// order of rows nor how many are kept in memory counts. Only rows whose rank can still get in are rendered and tokenized
// (of a million some thousands, and tokenizing is what costs time). Every row that is turned down is told of with its
// reason: all without a conversation, and of the others those that rank below the last one taken.
import { progressMeter } from '../terminal/progressMeter.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import type { SampleChooser } from './chooseSamples.ts';
import type { Conversation } from './datasetFormats.ts';
import type { DatasetFile } from './datasetSources.ts';
import type { MixConfig } from './mixConfig.ts';
import { originOf, type Origin, type Rejection } from './rejection.ts';
import { lowestRanked, rankOf, type Twins } from './selection.ts';
import { sourceRows, type ConversationColumns } from './sourceRows.ts';
import type { ChatTokenizer } from './tokenizer.ts';
import {
  sampleText,
  type EncodedSample,
  type Rejected,
  type SampleEncoder,
  type SampleText,
} from './trainingSample.ts';

/** A sample that may get into the mix. */
export type Candidate = Origin & SampleText & EncodedSample & { rank: string; conversation: Conversation };

/** What a source gave. */
export interface Collected {
  source: string;
  /** The samples asked for; there may be fewer. */
  wanted: number;
  rowsRead: number;
  rejected: Record<string, number>;
  /** Rows by the columns that their conversation is from. */
  columns: Record<string, number>;
  /** Columns that no conversation is from, though they are named as if. */
  columnsLeftOut: string[];
  samples: Candidate[];
}

/** What all sources are collected with. */
export interface Collecting {
  config: MixConfig;
  tokenizer: ChatTokenizer;
  encode: SampleEncoder;
  choose: SampleChooser;
  reject: (rejections: readonly Rejection[]) => Promise<void>;
  progress: Progress;
}

interface DatasetPart {
  source: string;
  files: DatasetFile[];
}

/**
 * The `wanted` lowest-ranked samples of a source that are chosen.
 * Memory holds some more candidates than are wanted, in place of those that are not. If these do not do and there were
 * further rows, the files are read again for the candidates that rank next, with twice as many to spare.
 */
export async function collectSource(
  { source, files, wanted }: DatasetPart & { wanted: number },
  collecting: Collecting,
): Promise<Collected> {
  const { choose, progress } = collecting;
  let samples: Candidate[] = [];
  const rejected: Record<string, number> = {};
  const reject = (rejections: readonly Rejection[]) => {
    for (const { reason } of rejections) rejected[reason] = (rejected[reason] ?? 0) + 1;
    return collecting.reject(rejections);
  };
  let turnedDown: Rejection[] = [];
  let above: string | undefined;
  for (let spare = Math.ceil(wanted / 8); ; spare *= 2) {
    const size = wanted - samples.length + spare;
    const pass = await readCandidates({ source, files, above, size }, { ...collecting, reject });
    const { taken, rejections } = choose(pass.candidates, wanted - samples.length);
    samples = [...samples, ...taken];
    const isFull = samples.length === wanted;
    const last = isFull ? (samples.at(-1)?.rank ?? '') : pass.limit;
    turnedDown = [...turnedDown, ...rejectionsUpTo(last, pass.rejections), ...rejections];
    if (isFull || pass.limit === undefined) {
      await reject(inFileOrder(turnedDown));
      const { rowsRead, columns, columnsLeftOut } = pass;
      return { source, wanted, rowsRead, rejected, columns, columnsLeftOut, samples };
    }
    progress(`${source}: ${samples.length} of ${wanted} samples so far; reading again for more`);
    above = pass.limit;
  }
}

/** A rejection of a row that has a rank: it counts only when all rows of lower ranks were looked at. */
interface RankedRejection {
  rank: string;
  rejection: Rejection;
}

interface Pass extends Pick<Collected, 'rowsRead' | 'columns' | 'columnsLeftOut'> {
  /** In the order of their ranks. */
  candidates: Candidate[];
  rejections: RankedRejection[];
  /** The rank up to which every row was looked at; undefined: all. */
  limit: string | undefined;
}

/** Reads a source once, for the `size` candidates that rank lowest of those above `above`. */
async function readCandidates(
  { source, files, above, size }: DatasetPart & { above: string | undefined; size: number },
  { config, tokenizer, encode, reject, progress }: Omit<Collecting, 'choose'>,
): Promise<Pass> {
  const lowest = lowestRanked<Candidate>({ size, above });
  const render = renderer({ config, tokenizer, admits: lowest.admits });
  const rejections: RankedRejection[] = [];
  const turnDown = (rank: string, rejection: Rejection) => rejections.push({ rank, rejection });
  const taken = new Map<ConversationColumns, number>();
  const pace = progressMeter({ unit: 'rows' });
  let rowsRead = 0;
  for await (const rows of sourceRows({ source, files, config })) {
    rowsRead += rows.length;
    progress(`${source}: ${rowsRead} rows read, ${pace(rows.length)}`, 'pace');
    const unusable: Rejection[] = [];
    const texts: (Origin & RankedText)[] = [];
    for (const { origin, conversation, from } of rows) {
      if (from) taken.set(from, (taken.get(from) ?? 0) + 1);
      const outcome = 'reason' in conversation ? conversation : render(conversation);
      if (outcome && !('reason' in outcome)) texts.push({ ...origin, ...outcome });
      else if (outcome && 'rank' in outcome) turnDown(outcome.rank, { ...origin, reason: outcome.reason });
      else if (outcome) unusable.push({ ...origin, ...outcome });
    }
    if (above === undefined) await reject(unusable);
    for (const [i, encoded] of (await encode(texts)).entries()) {
      const { rank } = texts[i]!;
      if ('reason' in encoded) turnDown(rank, { ...originOf(texts[i]!), ...encoded });
      const twins = 'reason' in encoded ? undefined : lowest.add({ ...texts[i]!, ...encoded });
      if (twins) turnDown(twins.dropped.rank, duplicate(twins));
    }
  }
  const candidates = lowest.members();
  return { rowsRead, ...columnsTaken(taken), candidates, rejections, limit: lowest.limit() };
}

/** Rows by their columns, over all files. */
function columnsTaken(
  taken: ReadonlyMap<ConversationColumns, number>,
): Pick<Collected, 'columns' | 'columnsLeftOut'> {
  const columns: Record<string, number> = {};
  for (const [from, rows] of taken) columns[from.columns] = (columns[from.columns] ?? 0) + rows;
  const [first, ...others] = [...taken.keys()].map(({ leftOut }) => leftOut);
  const columnsLeftOut = (first ?? []).filter((column) => others.every((other) => other.includes(column)));
  return { columns, columnsLeftOut };
}

function duplicate({ kept, dropped }: Twins<Candidate>): Rejection {
  return { ...originOf(dropped), reason: 'duplicate', of: originOf(kept) };
}

function rejectionsUpTo(last: string | undefined, rejections: readonly RankedRejection[]): Rejection[] {
  return rejections
    .filter(({ rank }) => last === undefined || rank <= last)
    .map(({ rejection }) => rejection);
}

function inFileOrder(rejections: readonly Rejection[]): Rejection[] {
  return rejections.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.row - b.row));
}

type RankedText = SampleText & Pick<Candidate, 'rank' | 'conversation'>;

/** Renders a conversation; undefined when its rank does not admit it. */
function renderer({
  config: { seed, system_prompt },
  tokenizer,
  admits,
}: Pick<Collecting, 'config' | 'tokenizer'> & { admits: (rank: string) => boolean }) {
  return (conversation: Conversation): RankedText | (Rejected & { rank: string }) | undefined => {
    const rank = rankOf(seed, 'choice', JSON.stringify(conversation));
    if (!admits(rank)) return undefined;
    const text = sampleText(conversation, { tokenizer, systemPrompt: system_prompt });
    return 'reason' in text ? { rank, ...text } : { rank, conversation, ...text };
  };
}
