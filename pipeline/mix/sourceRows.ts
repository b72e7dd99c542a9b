// The rows of a source as conversations, file by file: which columns are read, which rows its `where` takes.
import { UserError } from '../config/userError.ts';
import { valueAt } from './columnPath.ts';
import { conversationOf, type Conversation, type Unusable } from './datasetFormats.ts';
import type { DatasetFile } from './datasetSources.ts';
import { columnsOfLayout, describeLayout, findLayouts, knownColumns } from './findLayouts.ts';
import type { MixConfig } from './mixConfig.ts';
import { columnsOf, readRows } from './readRows.ts';
import type { Origin } from './rejection.ts';
import { columnsNamedIn, rowFilter } from './rowFilter.ts';

/** A row as read. */
export interface SourceRow {
  origin: Origin;
  conversation: Conversation | Unusable;
  /** Where in the row the conversation is from, the same object for all rows of a file that are alike. */
  from?: ConversationColumns | undefined;
}

/** The columns of a conversation in words, and those that by their names could be of one too. */
export interface ConversationColumns {
  columns: string;
  leftOut: readonly string[];
}

/** Rows tokenized at a time: enough for all cores, few enough for memory (an encoding takes 100 bytes a token). */
const rowsPerBatch = 128;

/** All rows of a source, a batch at a time. */
export async function* sourceRows({
  source,
  files,
  config,
}: {
  source: string;
  files: DatasetFile[];
  config: MixConfig;
}): AsyncGenerator<SourceRow[]> {
  let isEmpty = true;
  const unseen = new Map(Object.entries(config.sources[source]!.columns ?? {}));
  for (const { name: file, path } of files) {
    const reader = await rowReader({ source, path, config });
    if (!reader) continue;
    isEmpty = false;
    const { columns, read } = reader;
    let row = 0;
    for await (const rows of readRows(path, { columns })) {
      for (const [key, column] of unseen)
        if (column === undefined || rows.some((value) => (valueAt(value, column) ?? null) !== null))
          unseen.delete(key);
      for (let start = 0; start < rows.length; start += rowsPerBatch)
        yield rows.slice(start, start + rowsPerBatch).map((value) => ({
          origin: { source, file, row: row++ },
          ...read(value),
        }));
    }
  }
  if (!isEmpty) return refuseUnseen(unseen, source);
  const others = files.length > 1 ? `, nor does another file of ${source}` : '';
  throw new UserError({ file: files[0]!.path, problem: `holds no rows${others}` });
}

/** A path that leads nowhere is a mistake, such as "meta.txt" where rows have `meta.text`. */
function refuseUnseen(unseen: ReadonlyMap<string, string | undefined>, source: string): void {
  for (const [key, column] of unseen)
    throw new UserError({
      ...{ field: `sources.${source}.columns.${key}`, value: column, problem: 'no row has anything there' },
      remedy: 'correct the name, or leave it out',
    });
}

/** How the rows of a file are read, and the columns that takes; undefined when it has none, as an empty shard. */
async function rowReader({
  source,
  path,
  config: { sources },
}: {
  source: string;
  path: string;
  config: MixConfig;
}): Promise<
  { columns: string[]; read: (row: Record<string, unknown>) => Omit<SourceRow, 'origin'> } | undefined
> {
  const { where, ...declared } = sources[source]!;
  const named = Object.values(declared.columns ?? {}).filter((column) => column !== undefined);
  const wanted = [...named, ...(where === undefined ? [] : columnsNamedIn(where))];
  const columns = await columnsOf(path, { wanted });
  if (columns.length === 0) return undefined;
  const layouts = findLayouts(declared, { source, file: path, columns });
  const filter =
    where === undefined
      ? undefined
      : rowFilter(where, { field: `sources.${source}.where`, file: path, columns });
  const known = knownColumns(columns);
  const columnsFrom = new Map(
    layouts.map((layout) => {
      const taken = columnsOfLayout(layout, columns);
      const leftOut = known.filter((column) => !taken.includes(column));
      return [layout, { columns: describeLayout(layout), leftOut }];
    }),
  );
  return {
    columns: [
      ...new Set([
        ...layouts.flatMap((layout) => columnsOfLayout(layout, columns)),
        ...(filter?.columns ?? []),
      ]),
    ],
    read: (row) => {
      if (filter && !filter.takes(row)) return { conversation: { reason: 'where' } };
      const { conversation, layout } = conversationOf(row, layouts);
      return { conversation, from: layout && columnsFrom.get(layout) };
    },
  };
}
