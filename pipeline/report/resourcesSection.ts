// Time, memory, disk and money by stage: what was used, beside what the plan (make plan) expected of this machine, and
// what the plan says of machines that can be rented.
import type { Manifest } from '../artifact/manifest.ts';
import { PLANNED_STAGES, type Plan, type PlannedStage } from '../plan/planFile.ts';
import { duration } from '../terminal/progressMeter.ts';
import { formatBytes } from './formatNumber.ts';
import { markup, type Markup } from './markup.ts';
import { artifactsOf, type Run } from './readRun.ts';
import { missing, type Section } from './section.ts';
import { table } from './table.ts';

/** A row an artifact; the plan's machines. */
export function resourcesSection(run: Run): Section {
  const section = { id: 'resources', title: 'Time, memory and money' };
  const artifacts = artifactsOf(run);
  const content = [
    artifacts.length > 0 ? usedTable(run, artifacts) : markup`<p>No stage has run.</p>\n`,
    run.plan ? machinesTable(run.plan) : missing(run, 'plan', { what: 'There is no plan to compare with.' }),
  ];
  return { ...section, content };
}

function usedTable(run: Run, artifacts: readonly (readonly [path: string, manifest: Manifest])[]): Markup {
  const rows = artifacts.map(([path, { files }]) => {
    const use = run.use.get(path);
    const stage = plannedStage(path);
    const planned = stage && run.plan?.here.seconds[stage];
    const memory = stage && run.plan?.stages[stage].memory_bytes;
    return [
      path,
      shown(use && duration(use.seconds)),
      ...(run.plan ? [shown(planned === undefined ? undefined : duration(planned))] : []),
      shown(use && formatBytes(use.peak_memory)),
      ...(run.plan ? [shown(memory === undefined ? undefined : formatBytes(memory))] : []),
      shown(formatBytes(files.reduce((sum, { bytes }) => sum + bytes, 0))),
    ] as const;
  });
  const [time, memory] = [run.plan && 'time planned', run.plan && 'memory planned'];
  const head = ['artifact', 'time', time, 'most memory', memory, 'on disk'].filter(
    (each) => each !== undefined,
  );
  const sum = [...run.use.values()].reduce((seconds, use) => seconds + use.seconds, 0);
  const total = run.use.size > 0 ? markup`All that is listed took ${duration(sum)}. ` : undefined;
  return markup`<p>${total}Time and memory are those of the process that finished the artifact, start-up included.</p>
${table({ caption: 'Used by stage', head, rows })}`;
}

/** Text that stands right, as numbers do. */
function shown(text: string | undefined): Markup | undefined {
  return text === undefined ? undefined : markup`${text}`;
}

function plannedStage(path: string): PlannedStage | undefined {
  return PLANNED_STAGES.find((stage) => stage === path.split('/')[0]);
}

function machinesTable({ here, machines }: Plan): Markup | undefined {
  const stages = PLANNED_STAGES.filter((stage) => stage in here.seconds);
  const rows = Object.entries(machines).map(([name, { seconds, dollars, does_not_fit: tooLarge }]) => {
    const times = stages.map((stage) =>
      tooLarge.includes(stage) ? markup`does not fit` : shown(duration(seconds[stage])),
    );
    return [name, ...times, markup`$${dollars.toFixed(2)}`] as const;
  });
  if (rows.length === 0) return undefined;
  return table({ caption: 'Planned on other machines', head: ['machine', ...stages, 'price'], rows });
}
