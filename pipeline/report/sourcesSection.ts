// What was distilled from what: references, revisions and sums, from sources.json. Paths of this machine stay out.
import { basename } from 'node:path';
import type { Sources } from '../hub/sourcesFile.ts';
import { markup, type Markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { missing, type Section } from './section.ts';
import { table } from './table.ts';

/** Teacher, student and datasets. */
export function sourcesSection(run: Run): Section {
  const content = run.sources ? sourceTables(run.sources) : missing(run, 'fetch');
  return { id: 'sources', title: 'What was distilled from what', content };
}

/** A reference in few words: the file of a package, a pruned student by how many layers it kept. */
export function shortReference(reference: string): string {
  const layers = /^(\S+), layers ([\d ]+)$/.exec(reference);
  if (layers) return `${layers[2]!.split(' ').length} layers of the ${layers[1]}`;
  return /^pypi:/.test(reference) ? basename(reference) : reference;
}

function sourceTables({ teacher, student, datasets }: Sources): Markup[] {
  const models = Object.entries({ teacher, student });
  const files = Object.entries(datasets).flatMap(([name, dataset]) =>
    dataset.files.map(({ path, bytes, sha256 }) => [name, basename(path), bytes, sha256] as const),
  );
  return [
    table({
      caption: 'Models',
      head: ['role', 'reference', 'revision', 'fingerprint'],
      rows: models.map(([role, model]) => [role, model.reference, model.revision, model.fingerprint]),
    }),
    table({
      caption: 'Datasets',
      head: ['name', 'reference', 'revision', 'files', 'bytes'],
      rows: Object.entries(datasets).map(([name, dataset]) => [
        name,
        dataset.reference,
        dataset.revision,
        dataset.files.length,
        dataset.files.reduce((sum, { bytes }) => sum + bytes, 0),
      ]),
    }),
    markup`<details><summary>Files of the datasets</summary>
${table({ caption: 'Files', head: ['dataset', 'file', 'bytes', 'sha256'], rows: files })}</details>
`,
  ];
}
