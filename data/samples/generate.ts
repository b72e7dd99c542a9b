// Writes the embedded datasets of the recipe `smollm2`: five small stand-ins, each in the file format and schema of its
// original on the Hugging Face Hub, so that the embedded recipe runs the same readers as the real one, without a download.
// Everything is drawn from fixed seeds: running it again gives the same bytes. Run: npx tsx data/samples/generate.ts
import { join } from 'node:path';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { commitBytes } from '../../pipeline/artifact/commitFile.ts';
import { encodeDataset } from './generator/encodeDataset.ts';
import { evolCode } from './generator/evolCode.ts';
import { metaMath } from './generator/metaMath.ts';
import { numina } from './generator/numina.ts';
import { orcaMath } from './generator/orcaMath.ts';
import { r1DistillSft } from './generator/r1DistillSft.ts';

const { out } = await yargs(hideBin(process.argv))
  .usage('$0 [--out DIR]\n\nWrites the embedded datasets.')
  .option('out', { describe: 'folder to write to', type: 'string', default: import.meta.dirname })
  .strict()
  .version(false)
  .parseAsync();

const datasets = [
  metaMath({ seed: 1, count: 700 }),
  orcaMath({ seed: 2, count: 720 }),
  evolCode({ seed: 3, count: 380 }),
  numina({ seed: 4, count: 370 }),
  r1DistillSft({ seed: 5, count: 430 }),
];

for (const dataset of datasets) {
  const { bytes } = await commitBytes(join(out, dataset.path), encodeDataset(dataset));
  console.log(`${dataset.path}: ${dataset.rows.length} rows, ${bytes} bytes`);
}
