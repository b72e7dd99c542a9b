// Whether the runs of a Parquet page stay within its values. Levels and dictionary indices are stored as runs (parquet-format,
// Encodings: RLE / bit-packing hybrid) that each tell their length; hyparquet writes out what they tell, so that five
// bytes in a damaged file would fill the memory.
import type { SchemaTree } from 'hyparquet';
import { varint, type Page, type Reader } from './parquetPages.ts';

/** The largest repetition and definition level of a column. */
export interface Levels {
  repetition: number;
  definition: number;
}

const encodings = { plainDictionary: 2, rle: 3, rleDictionary: 8 };

/** The levels of the column at a path, from the root of the schema. */
export function levelsOf(root: SchemaTree, path: readonly string[]): Levels {
  const levels = { repetition: 0, definition: 0 };
  let node: SchemaTree | undefined = root;
  for (const name of path) {
    node = node?.children.find(({ element }) => element.name === name);
    const kind = node?.element.repetition_type;
    if (kind === 'REPEATED') levels.repetition += 1;
    if (kind === 'REPEATED' || kind === 'OPTIONAL') levels.definition += 1;
  }
  return levels;
}

/** Checks the levels of a page of kind v2, which come uncompressed. */
export function checkLevels(bytes: DataView, page: Page, { repetition, definition }: Levels): void {
  const { levelBytes, values } = page;
  if (!levelBytes) return;
  const end = levelBytes.repetition + levelBytes.definition;
  if (levelBytes.repetition < 0 || levelBytes.definition < 0 || end > bytes.byteLength)
    throw new Error('the levels of a page are larger than the page');
  const reader = { view: bytes, offset: 0 };
  if (repetition > 0) checkRuns(reader, { values, largest: repetition });
  reader.offset = levelBytes.repetition;
  if (definition > 0) checkRuns(reader, { values, largest: definition });
}

/** Checks what a page holds unpacked: of kind v1 levels and values, of kind v2 values. */
export function checkPage(bytes: DataView, page: Page, { repetition, definition }: Levels): void {
  const { kind, values, encoding } = page;
  if (kind === 'dictionary') return;
  const reader = { view: bytes, offset: 0 };
  if (kind === 'v1')
    for (const largest of [repetition, definition])
      if (largest > 0) checkSizedRuns(reader, { values, largest });
  if (encoding === encodings.rle) checkSizedRuns(reader, { values, largest: 1 });
  if (encoding !== encodings.plainDictionary && encoding !== encodings.rleDictionary) return;
  if (reader.offset >= bytes.byteLength) return; // nothing but nulls
  const width = bytes.getUint8(reader.offset++);
  if (width > 32) throw new Error(`a page has dictionary indices of ${width} bits`);
  // Nulls have no index, so there may be fewer than `values`.
  if (width > 0) checkRuns(reader, { values, width, mayEnd: true });
}

/** Runs after their size in bytes, and leaves the reader behind them. */
function checkSizedRuns(reader: Reader, { values, largest }: { values: number; largest: number }): void {
  const end = reader.offset + 4 + reader.view.getUint32(reader.offset, true);
  reader.offset += 4;
  checkRuns(reader, { values, largest });
  reader.offset = end;
}

function checkRuns(
  reader: Reader,
  {
    values,
    largest = 0,
    width = 32 - Math.clz32(largest),
    mayEnd = false,
  }: { values: number; largest?: number; width?: number; mayEnd?: boolean },
): void {
  for (let seen = 0; seen < values;) {
    if (mayEnd && reader.offset >= reader.view.byteLength) return;
    const header = varint(reader);
    const isPacked = header % 2 === 1;
    const count = Math.floor(header / 2) * (isPacked ? 8 : 1);
    // Packed values come by eights, so the last ones may stand for nothing.
    if (seen + count > values + (isPacked ? 7 : 0))
      throw new Error(`a page has a run of ${count} values, and ${values} in all`);
    reader.offset += isPacked ? (count / 8) * width : (width + 7) >> 3;
    if (count === 0 && reader.offset > reader.view.byteLength)
      throw new Error('the runs of a page end early');
    seen += count;
  }
}
