// make plan: what a recipe takes, before anything of it is fetched (pipeline/plan), as tables and as plan.json.
import { readMachines } from '../pipeline/plan/machines.ts';
import { makePlan } from '../pipeline/plan/makePlan.ts';
import { writePlan } from '../pipeline/plan/planFile.ts';
import { planTables } from '../pipeline/plan/planTables.ts';
import { thisMachine } from '../pipeline/plan/thisMachine.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';

await stageCommand({
  name: 'plan',
  summary:
    'Prints what a recipe takes: downloads, disk, memory, time and money; nothing but headers is fetched.',
  options: {
    recipe: { describe: "folder of the recipe's YAML files", required: true },
    run: { describe: 'folder of its run, as data/runs/smollm2, for plan.json', required: true },
    machines: { describe: 'file with the GPUs to count with (default data/machines.yaml)' },
  },
  run: async ({ options: { recipe, run, machines } }) => {
    const plan = await makePlan({
      recipe,
      run,
      machines: await readMachines(machines),
      here: () => thisMachine(run),
    });
    await writePlan(run, plan);
    process.stdout.write(planTables(plan));
  },
});
