// Every parameter of every stage, as its manifest holds it: the recipe, its defaults and ARGS together.
import type { Manifest } from '../artifact/manifest.ts';
import { markup } from './markup.ts';
import { parameterTable } from './parameterTable.ts';
import type { Run } from './readRun.ts';
import type { Section } from './section.ts';

/** A table for each stage that has run. */
export function parametersSection(run: Run): Section {
  const stages: Record<string, [name: string, manifest: Manifest | undefined][]> = {
    mix: [['value', run.mix]],
    teacher: [['value', run.teacher]],
    logits: [['value', run.logits]],
    train: run.trainings.map(({ name, manifest }) => [name, manifest]),
    eval: run.evaluations.map(({ name, manifest }) => [name, manifest]),
  };
  const tables = Object.entries(stages).flatMap(([stage, artifacts]) => {
    const made = artifacts.flatMap(([name, manifest]) =>
      manifest ? [[name, manifest.parameters] as const] : [],
    );
    return made.length > 0 ? [parameterTable(made, { caption: `${stage}.yaml, defaults and ARGS` })] : [];
  });
  const none = markup`<p>No stage with parameters has run.</p>\n`;
  return { id: 'parameters', title: 'Every parameter', content: tables.length > 0 ? tables : none };
}
