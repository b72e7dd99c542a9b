// The frame of a section: its content, or which stage has not run and the command for it; and a warning where an
// artifact was made from another one than the page shows, so that figures that do not belong together are seen.
import type { Manifest } from '../artifact/manifest.ts';
import { makeCommand } from './makeCommand.ts';
import { markup, type Markup, type Part } from './markup.ts';
import type { Run } from './readRun.ts';

/** A section of the page. */
export interface Section {
  /** The anchor. */
  id: string;
  title: string;
  content: Part;
}

/** The section in HTML. */
export function sectionMarkup({ id, title, content }: Section): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${content}</section>
`;
}

/** Says that a stage has not run, and how to run it. */
export function missing(
  run: Run,
  stage: string,
  { what = `The stage ${stage} has not run.`, training }: { what?: string; training?: string } = {},
): Markup {
  const command = makeCommand(run, stage, { training });
  return markup`<p class="missing">${what} To run it: <code>${command}</code></p>\n`;
}

/** A warning for each input that is not what the run has now; `model` is what the input of that name should be. */
export function staleInputs(
  run: Run,
  { name, manifest, model }: { name: string; manifest: Manifest; model?: string | undefined },
): Markup[] {
  const current: Record<string, string | undefined> = {
    mix: run.mix?.fingerprint,
    teacher: run.teacher?.fingerprint,
    logits: run.logits?.fingerprint,
    student: run.sources?.student.fingerprint,
    model,
  };
  return Object.entries(manifest.inputs)
    .filter(([role, used]) => current[role] !== undefined && current[role] !== used)
    .map(
      ([role, used]) =>
        markup`<p class="warning">“${name}” was made from another ${role} (${used}) than this run has now (${current[role]}).</p>\n`,
    );
}
