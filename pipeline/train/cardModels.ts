// How a model card names models and datasets: with links to repository and commit where they came from the Hub, and
// never by a folder of this machine. sources.json has what was asked for of a dataset, and the layers that were kept of a
// model, behind a comma: "ORG/NAME, files GLOB", "teacher, layers 0 1".
import { hubReference } from '../hub/reference.ts';
import type { ResolvedDataset, ResolvedModel, Sources } from '../hub/sourcesFile.ts';

export type NamedModel = Pick<ResolvedModel, 'reference' | 'revision' | 'path'>;
type Named = Pick<ResolvedModel, 'reference' | 'revision'>;

/** ORG/NAME, if that is where it came from. */
export function hubName({ reference, revision }: Named): string | undefined {
  return revision === null ? undefined : hubReference(reference.split(', ')[0]!)?.repository;
}

/** What the student was before it was trained, or pruned. */
export function baseOf({ student, teacher }: Sources): NamedModel {
  const { from } = layersKept(student.reference);
  if (from === undefined) return student;
  return from === 'teacher' ? teacher : { ...student, reference: from };
}

/** Whether some of the base's layers were left out. */
export function isPruned({ student }: Sources): boolean {
  return layersKept(student.reference).from !== undefined;
}

/** A model in a few words. */
export function describeModel(model: Named): string {
  const { from, layers } = layersKept(model.reference);
  if (from === undefined) return wholeModel(model);
  const whole = from === 'teacher' ? 'the teacher' : wholeModel({ ...model, reference: from });
  return `${layers!.split(' ').length} layers (${layers}) of ${whole}`;
}

/** The repository of a dataset, what of it was read, and its commit: cells of a table. */
export function describeDataset(dataset: ResolvedDataset | undefined): [string, string, string] {
  if (!dataset) return ['unknown', '', ''];
  const { reference, revision, files } = dataset;
  const name = hubName(dataset);
  const all = files.length === 1 ? '1 file' : `${files.length} files`;
  if (name === undefined || revision === null) return ['local', all, ''];
  const [, key, value] = /^.+?, (\w+) (.+)$/.exec(reference) ?? [];
  const page = `https://huggingface.co/datasets/${name}`;
  const asked = key === 'files' ? `files \`${value}\`` : key && `${key} ${value}`;
  return [`[${name}](${page})`, asked ?? all, commitLink(page, revision)];
}

function layersKept(reference: string): { from?: string | undefined; layers?: string | undefined } {
  return /^(?<from>.+), layers (?<layers>[\d ]+)$/.exec(reference)?.groups ?? {};
}

function wholeModel(model: Named): string {
  const { reference, revision } = model;
  if (revision === null) return 'a local model';
  const name = hubName(model);
  if (name === undefined) return `\`${reference}\``;
  const page = `https://huggingface.co/${name}`;
  const file = hubReference(reference)!.file;
  return `[${name}](${page})${file ? `, \`${file}\`,` : ''} at revision ${commitLink(page, revision)}`;
}

function commitLink(page: string, commit: string): string {
  return `[\`${commit.slice(0, 7)}\`](${page}/tree/${commit})`;
}
