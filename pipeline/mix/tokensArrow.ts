// tokens.arrow: the mix for machines, an uncompressed Arrow IPC file that pyarrow and polars read as it is.
// Columns id, source, split (utf8), token_ids (list<int32>), loss_mask (list<uint8>); written batch by batch.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Field, Int32, Schema, tableFromIPC, Uint8, Utf8, type RecordBatch } from 'apache-arrow';
import {
  commitArrow,
  listAt,
  listColumn,
  listField,
  recordBatch,
  textAt,
  textColumn,
} from '../artifact/arrowFile.ts';
import type { FileRecord } from '../artifact/commitFile.ts';
import { readManifest, verifyFile, type Manifest } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';

/** One training sample of L tokens. */
export interface Sample {
  /** First 32 hex digits of the sha256 over token ids (int32, little endian) and loss mask. */
  id: string;
  /** The dataset's name in sources.json. */
  source: string;
  split: Split;
  tokenIds: Int32Array; // [L]
  /** 1 where the token is a training target. */
  lossMask: Uint8Array; // [L]
}

export type Split = 'train' | 'held_out';

/** Raised whenever the same rows and parameters give another mix, or its files another form. */
export const mixFormatVersion = 3;

const rowsPerBatch = 1024;
const fileName = 'tokens.arrow';

const schema = new Schema([
  new Field('id', new Utf8(), false),
  new Field('source', new Utf8(), false),
  new Field('split', new Utf8(), false),
  listField('token_ids', new Int32()),
  listField('loss_mask', new Uint8()),
]);

/** Commits `folder/tokens.arrow`. */
export async function writeTokens(folder: string, samples: readonly Sample[]): Promise<FileRecord> {
  const record = await commitArrow(join(folder, fileName), batches(samples));
  return { ...record, rows: samples.length };
}

/**
 * The mix of the stage `mix`, its file checked against the manifest.
 * @throws UserError when it is missing, damaged or of another version.
 */
export async function readMix(folder: string): Promise<{ manifest: Manifest; samples: Sample[] }> {
  const command = 'make mix';
  const manifest = await readManifest(folder, { kind: 'mix', formatVersion: mixFormatVersion, command });
  const record = manifest.files.find(({ file }) => file === fileName);
  if (!record)
    throw new UserError({
      file: join(folder, 'manifest.json'),
      field: 'files',
      problem: `lists no ${fileName}`,
      remedy: `run "${command}"`,
    });
  await verifyFile(folder, record, command);
  return { manifest, samples: readTokens(await readFile(join(folder, fileName))) };
}

function readTokens(bytes: Uint8Array): Sample[] {
  return tableFromIPC(bytes).batches.flatMap((batch) =>
    Array.from({ length: batch.numRows }, (_, row) => ({
      id: textAt(batch, 'id', row),
      source: textAt(batch, 'source', row),
      split: textAt(batch, 'split', row) as Split,
      tokenIds: listAt(batch, 'token_ids', row) as Int32Array,
      lossMask: listAt(batch, 'loss_mask', row) as Uint8Array,
    })),
  );
}

function* batches(samples: readonly Sample[]): Generator<RecordBatch> {
  for (let start = 0; start < samples.length; start += rowsPerBatch) {
    const rows = samples.slice(start, start + rowsPerBatch);
    yield recordBatch(schema, [
      ...(['id', 'source', 'split'] as const).map((name) => textColumn(rows.map((sample) => sample[name]))),
      listColumn(
        new Int32(),
        rows.map(({ tokenIds }) => tokenIds),
      ),
      listColumn(
        new Uint8(),
        rows.map(({ lossMask }) => lossMask),
      ),
    ]);
  }
}
