// The embedded recipe's plan beside what its stages then take: the most memory, which is to be within 30 %, and the time,
// which is shown (another process on the machine slows the stage, and the rate that the plan is made with, too).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readMachines } from '../../pipeline/plan/machines.ts';
import { makePlan } from '../../pipeline/plan/makePlan.ts';
import { PLANNED_STAGES, type PlannedStage } from '../../pipeline/plan/planFile.ts';
import { thisMachine } from '../../pipeline/plan/thisMachine.ts';
import { textTable } from '../../pipeline/terminal/textTable.ts';
import { stageArguments } from '../runStage.ts';
import { show } from './figures.ts';
import { RUN, without } from './needs.ts';
import { watchedRun } from './watchedRun.ts';

const recipe = 'data/recipes/smollm2';
const out = mkdtempSync(join(tmpdir(), 'redistill-planned-'));
t.teardown(() => rmSync(out, { recursive: true }));

/** What make gives the stages, from the models and the mix of the run. */
const FLAGS: Record<PlannedStage, Record<string, string>> = {
  teacher: { model: `${RUN}/sources/teacher` },
  logits: { mix: `${RUN}/mix`, teacher: `${out}/teacher`, original: `${RUN}/sources/teacher` },
  train: { mix: `${RUN}/mix`, logits: `${out}/logits`, student: `${RUN}/sources/student` },
  eval: { mix: `${RUN}/mix`, logits: `${out}/logits`, model: `${RUN}/sources/student` },
};

void t.test('memory of each stage', { skip: without('models', 'logits') }, async (t) => {
  const plan = await makePlan({
    recipe,
    run: RUN,
    machines: await readMachines(),
    here: () => thisMachine(RUN),
  });
  const rows = [['stage', 'memory planned', 'used', '', 'seconds planned', 'used', '']];
  for (const stage of PLANNED_STAGES) {
    const flags = { config: `${recipe}/${stage}.yaml`, ...FLAGS[stage], out: `${out}/${stage}` };
    const used = await watchedRun(stageArguments(stage, flags));
    const planned = plan.stages[stage].memory_bytes;
    const seconds = plan.here.seconds[stage] / (stage === 'eval' ? 2 : 1); // planned are before and after
    rows.push([
      ...[stage, gigabytes(planned), gigabytes(used.peakBytes), percent(planned / used.peakBytes)],
      ...[seconds.toFixed(0), used.seconds.toFixed(0), percent(seconds / used.seconds)],
    ]);
    t.ok(
      Math.abs(planned / used.peakBytes - 1) < 0.3,
      `${stage}: ${planned} planned, ${used.peakBytes} used`,
    );
  }
  textTable(rows).trimEnd().split('\n').forEach(show);
});

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

function percent(ratio: number): string {
  return `${ratio < 1 ? '' : '+'}${(100 * (ratio - 1)).toFixed(0)} %`;
}
