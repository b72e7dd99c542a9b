// A dataset as the bytes of its file. Parquet is written as pyarrow writes it: snappy, nullable columns, and a list of
// structs as the three-level LIST (list.element) that readers of the originals have to deal with.
import type { SchemaElement } from 'hyparquet';
import { parquetWriteBuffer } from 'hyparquet-writer';
import type { ColumnType, Dataset, JsonDataset, ParquetDataset } from './dataset.ts';

export function encodeDataset(dataset: Dataset): Uint8Array {
  return dataset.format === 'json' ? encodeJson(dataset) : encodeParquet(dataset);
}

/** One array with an object a line, which keeps the file both valid and easy to compare. */
function encodeJson({ rows }: JsonDataset): Uint8Array {
  return new TextEncoder().encode(`[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);
}

function encodeParquet({ columns, rows }: ParquetDataset): Uint8Array {
  const names = Object.keys(columns);
  const root: SchemaElement = { name: 'schema', num_children: names.length };
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: names.map((name) => ({ name, data: rows.map((row) => row[name]) })),
      schema: [root, ...Object.entries(columns).flatMap(([name, type]) => schemaOf(name, type))],
    }),
  );
}

function schemaOf(name: string, type: ColumnType): SchemaElement[] {
  if (type === 'string')
    return [
      {
        name,
        type: 'BYTE_ARRAY',
        repetition_type: 'OPTIONAL',
        converted_type: 'UTF8',
        logical_type: { type: 'STRING' },
      },
    ];
  if (type === 'null')
    return [{ name, type: 'INT32', repetition_type: 'OPTIONAL', logical_type: { type: 'NULL' } }];
  return [
    {
      name,
      repetition_type: 'OPTIONAL',
      num_children: 1,
      converted_type: 'LIST',
      logical_type: { type: 'LIST' },
    },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    { name: 'element', repetition_type: 'OPTIONAL', num_children: 2 },
    ...schemaOf('content', 'string'),
    ...schemaOf('role', 'string'),
  ];
}
