// A plan as tables of text: what is fetched, what lies on disk, what each stage takes, and where it would run.
import { textTable } from '../terminal/textTable.ts';
import { PLANNED_STAGES, type Plan, type PlannedStage } from './planFile.ts';

/** The tables, each after a line that says what it is. */
export function planTables(plan: Omit<Plan, 'format_version'>): string {
  const sections: [string, string][] = [
    ['Downloads', downloads(plan)],
    ['Mix and disk', disk(plan)],
    ['Stages on this machine', stages(plan)],
    ['Peak memory, part by part', memory(plan)],
    ['Hours and dollars elsewhere', machines(plan)],
  ];
  const tables = sections.map(([title, table]) => `${title}\n${table}`);
  return [...tables, problems(plan), assumptions(plan)].filter((text) => text !== '').join('\n');
}

type Made = Omit<Plan, 'format_version'>;

function downloads({ models, datasets }: Made): string {
  const rows = Object.entries({ ...models, ...datasets });
  const sum = (key: 'bytes' | 'cached_bytes') => rows.reduce((total, [, size]) => total + size[key], 0);
  const line = (name: string, reference: string, bytes: number, cached: number) => [
    ...[name, reference, gigabytes(bytes), gigabytes(cached), gigabytes(bytes - cached)],
  ];
  return textTable([
    ['name', 'reference', 'size', 'here already', 'to fetch'],
    ...rows.map(([name, { reference, bytes, cached_bytes }]) => line(name, reference, bytes, cached_bytes)),
    line('total', '', sum('bytes'), sum('cached_bytes')),
  ]);
}

function disk({ mix, cache, models, disk: parts }: Made): string {
  const note = (isMeasured: boolean) => (isMeasured ? 'as made' : 'estimate');
  return textTable([
    ['what', 'how much', ''],
    ['samples', count(mix.samples), note(mix.measured)],
    ['tokens', count(mix.tokens), note(mix.measured)],
    ['tokens in the loss', count(mix.target_tokens), note(mix.measured)],
    ['bytes a token in the cache', cache.bytes_per_token.toFixed(0), note(cache.measured)],
    ['parameters, teacher', count(models.teacher.parameters), ''],
    ['parameters, student', count(models.student.parameters), ''],
    ...Object.entries(parts).map(([name, bytes]) => [`disk, ${name}`, gigabytes(bytes), '']),
    ['disk, in all', gigabytes(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)), ''],
  ]);
}

function stages({ stages: planned, here }: Made): string {
  const total = PLANNED_STAGES.reduce((sum, stage) => sum + here.seconds[stage], 0);
  return textTable([
    ['stage', 'peak memory', 'work', 'time'],
    ...PLANNED_STAGES.map((stage) => {
      const { memory_bytes, flops } = planned[stage];
      return [stage, gigabytes(memory_bytes), work(flops), hours(here.seconds[stage])];
    }),
    ['total', '', '', hours(total)],
    [
      `${here.device}, ${(here.matmul_flops_per_second / 1e9).toFixed(0)} GFLOP/s`,
      gigabytes(here.memory_bytes),
      '',
      '',
    ],
  ]);
}

function memory({ stages: planned }: Made): string {
  const parts = [...new Set(PLANNED_STAGES.flatMap((stage) => Object.keys(planned[stage].memory)))];
  const cell = (stage: PlannedStage, part: string) => {
    const bytes = planned[stage].memory[part];
    return bytes === undefined ? '' : gigabytes(bytes);
  };
  return textTable([
    ['', ...PLANNED_STAGES],
    ...parts.map((part) => [part, ...PLANNED_STAGES.map((stage) => cell(stage, part))]),
  ]);
}

function machines({ machines: named }: Made): string {
  return textTable([
    ['GPU', ...PLANNED_STAGES, 'total', 'dollars', 'does not fit'],
    ...Object.entries(named).map(([name, { seconds, dollars, does_not_fit }]) => {
      const total = PLANNED_STAGES.reduce((sum, stage) => sum + seconds[stage], 0);
      const cells = PLANNED_STAGES.map((stage) => hours(seconds[stage]));
      return [name, ...cells, hours(total), dollars.toFixed(2), does_not_fit.join(', ')];
    }),
  ]);
}

function problems({ problems: found }: Made): string {
  if (found.length === 0) return '';
  const lines = found.map(
    ({ what, where, problem, remedy }) => `  ${what} on ${where} ${problem}: ${remedy}`,
  );
  return `What does not fit, and what would make it fit\n${lines.join('\n')}\n`;
}

function assumptions({ assumptions: made }: Made): string {
  return `Assumed\n${made.map((line) => `  ${line}`).join('\n')}\n`;
}

function gigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function count(value: number): string {
  if (value < 1e6) return value.toFixed(0);
  return value < 1e9 ? `${(value / 1e6).toFixed(1)} M` : `${(value / 1e9).toFixed(2)} B`;
}

function work(flops: number): string {
  if (flops === 0) return '';
  return flops < 1e15 ? `${(flops / 1e12).toFixed(1)} TFLOP` : `${(flops / 1e15).toFixed(1)} PFLOP`;
}

function hours(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 345_600 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(0)} days`;
}
