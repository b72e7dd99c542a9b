// Parameters of one artifact, or of several beside each other. Unlike figures they are shown to the last digit.
import type { Json } from '../artifact/fingerprint.ts';
import { leavesOf, type JsonRecord } from './jsonRecord.ts';
import { markup, type Markup } from './markup.ts';
import { table } from './table.ts';

/**
 * A row for each parameter, a column for each artifact; `differing` leaves only rows that are not the same in all.
 * With `defaults` these have a column too, and what differs from them is bold.
 */
export function parameterTable(
  artifacts: Artifacts,
  { caption, rows = 'all', defaults }: { caption: string; rows?: 'all' | 'differing'; defaults?: JsonRecord },
): Markup {
  const names = artifacts.map(([name]) => name);
  const shown = rows === 'all' ? parameterRows(artifacts) : differingParameters(artifacts);
  if (!defaults) return table({ caption, head: ['parameter', ...names], rows: shown });
  const standard = new Map(leavesOf(defaults).map(([name, value]) => [name, exact(value)]));
  return table({
    caption,
    head: ['parameter', ...names, 'default'],
    text: [...names, 'default'],
    rows: shown.map(([name, ...values]) => {
      const usual = standard.get(name) ?? null;
      const hasDefault = name.split('.')[0]! in defaults; // a member of a record that is empty by default, too
      const cells = values.map((value) =>
        value === usual || value === null || !hasDefault ? value : markup`<b>${value}</b>`,
      );
      return [name, ...cells, usual] as const;
    }),
  });
}

type Artifacts = readonly (readonly [name: string, parameters: JsonRecord])[];
type ParameterRow = readonly [name: string, ...values: (string | null)[]];

/**
 * The parameters that are not the same in all artifacts, each with its value in every one of them, null for none. That a
 * record is empty in some is told by its members in the others.
 */
export function differingParameters(artifacts: Artifacts): ParameterRow[] {
  const isEmpty = (value: string | null) => value === null || value === '{}';
  return parameterRows(artifacts).filter(
    ([, ...values]) => new Set(values).size > 1 && !values.every(isEmpty),
  );
}

function parameterRows(artifacts: Artifacts): ParameterRow[] {
  const columns = artifacts.map(([, parameters]) => new Map(leavesOf(parameters)));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  return names.map((name) => [name, ...columns.map((column) => exact(column.get(name)))] as const);
}

function exact(value: Json | undefined): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
