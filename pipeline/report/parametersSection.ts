// Every parameter of every stage, as its manifest holds it: the recipe, its defaults and ARGS together, beside the default
// of each, so that what was chosen is seen.
import type { z } from 'zod';
import { evalConfig } from '../eval/evalConfig.ts';
import { logitsConfig } from '../logits/logitsConfig.ts';
import { mixConfig } from '../mix/mixConfig.ts';
import { teacherConfig } from '../teacher/teacherConfig.ts';
import { trainConfig } from '../train/trainConfig.ts';
import type { Manifest } from '../artifact/manifest.ts';
import { defaultsOf } from '../config/defaultsOf.ts';
import { markup } from './markup.ts';
import { parameterTable } from './parameterTable.ts';
import type { Run } from './readRun.ts';
import type { Section } from './section.ts';

/** A table for each stage that has run. */
export function parametersSection(run: Run): Section {
  const stages: [
    stage: string,
    schema: z.ZodObject,
    artifacts: [name: string, manifest: Manifest | undefined][],
  ][] = [
    ['mix', mixConfig, [['value', run.mix]]],
    ['teacher', teacherConfig, [['value', run.teacher]]],
    ['logits', logitsConfig, [['value', run.logits]]],
    ['train', trainConfig, run.trainings.map(({ name, manifest }) => [name, manifest])],
    ['eval', evalConfig, run.evaluations.map(({ name, manifest }) => [name, manifest])],
  ];
  const tables = stages.flatMap(([stage, schema, artifacts]) => {
    const made = artifacts.flatMap(([name, manifest]) =>
      manifest ? [[name, manifest.parameters] as const] : [],
    );
    const shown = areSame(made) ? [['value', made[0]![1]] as const] : made;
    const options = { caption: `${stage}.yaml, defaults and ARGS`, defaults: defaultsOf(schema) };
    return made.length > 0 ? [parameterTable(shown, options)] : [];
  });
  const content =
    tables.length > 0
      ? [
          markup`<p>In bold what differs from the default; keys without one have a dash there.</p>\n`,
          markup`<div class="tables">\n${tables}</div>\n`,
        ]
      : markup`<p>No stage with parameters has run.</p>\n`;
  return { id: 'parameters', title: 'Every parameter', content };
}

/** Evaluations, as a rule: then one column says it all. */
function areSame(
  artifacts: readonly (readonly [name: string, parameters: Manifest['parameters']])[],
): boolean {
  return new Set(artifacts.map(([, parameters]) => JSON.stringify(parameters))).size === 1;
}
