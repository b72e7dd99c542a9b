// The files of a configuration and a split, by the layouts of repositories in test/golden/datasets: their files (names),
// their card, what the Hub has converted of them, and what is to be had for a reference. In inferred.json Python's own
// library says which files belong to which split.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { chooseSplits, partialSplits, type WantedSplits } from '../../pipeline/hub/chooseSplits.ts';
import { datasetConfigs } from '../../pipeline/hub/datasetConfigs.ts';
import { HubError } from '../../pipeline/hub/hubErrors.ts';
import { readJson } from '../readJson.ts';

interface Layout {
  card?: string;
  names: string[];
  converted?: string[];
  cases: Case[];
}
interface Case extends Omit<WantedSplits, 'splits'> {
  split?: string;
  files?: string[];
  partial?: string[];
  /** The whole message, or how it begins. */
  error?: string;
  errorStart?: string;
}

const FOLDER = 'test/golden/datasets';

/** The files, or the message. */
async function answerOf({ card, names, converted }: Layout, { split = 'train', ...wanted }: Case) {
  const list = (revision?: string) => {
    if (revision !== 'refs/convert/parquet') return Promise.resolve({ names, card });
    return converted
      ? Promise.resolve({ names: converted })
      : Promise.reject(new HubError('no_revision', 'no such revision'));
  };
  try {
    const { files } = await chooseSplits('org/d', { ...wanted, splits: [split] }, list);
    return { files: files[split], partial: partialSplits(files) };
  } catch (error) {
    if (error instanceof Error && error.name === 'UserError') return { error: error.message };
    throw error;
  }
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')))
  t.test(file, async (t) => {
    const layout = parse(readFileSync(join(FOLDER, file), 'utf8'), { merge: true }) as Layout;
    t.ok(layout.cases.length > 0);
    for (const { files, partial = [], error, errorStart, ...wanted } of layout.cases) {
      const answer = await answerOf(layout, wanted);
      if (errorStart === undefined)
        t.same(answer, files ? { files, partial } : { error }, JSON.stringify(wanted));
      else t.equal(answer.error?.slice(0, errorStart.length), errorStart, JSON.stringify(wanted));
    }
  });

t.test('files go to the splits that Python gives them to', (t) => {
  const layouts = readJson(join(FOLDER, 'inferred.json')) as { names: string[]; splits: object }[];
  for (const { names, splits } of layouts) {
    const [config] = datasetConfigs({ names }, 'org/d');
    const ours = [...(config?.splits() ?? [])].map(([split, { files }]) => [split, files]);
    t.strictSame(Object.fromEntries(ours), splits, names.join(', '));
  }
  t.end();
});
