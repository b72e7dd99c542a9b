// make plan for the recipes that need the Hub against a Hub that has headers alone: the tables, what they are made of, and
// how little is fetched.
import { readFileSync } from 'node:fs';
import t from 'tap';
import { planTables } from '../../pipeline/plan/planTables.ts';
import { readPlan, writePlan } from '../../pipeline/plan/planFile.ts';
import { planHubRecipes, HUB_RECIPES } from './plannedRecipes.ts';

const root = t.testdir();
delete process.env.HF_TOKEN;
const { plans, sentOfWeights } = await planHubRecipes(root);

for (const name of HUB_RECIPES)
  t.test(`${name}: the tables (writeTables.ts regenerates them)`, (t) => {
    t.equal(planTables(plans.get(name)!), readFileSync(`test/golden/plan/${name}.txt`, 'utf8'));
    t.end();
  });

t.test('parameters and bytes are those of the published models', (t) => {
  const { teacher, student } = plans.get('redistill-qwen-1.5b')!.models;
  t.equal(teacher.parameters, 32_763_876_352); // DeepSeek-R1-Distill-Qwen-32B
  t.equal(student.parameters, 1_777_088_000); // model.safetensors of 3.55 GB
  const llama = plans.get('redistill-llama3-8b')!.models;
  t.equal(llama.teacher.parameters, 70_553_706_496);
  t.equal(llama.student.parameters, 8_030_261_248);
  t.equal(plans.get('redistill-qwen-7b')!.models.student.parameters, 7_615_616_512);
  t.end();
});

t.test('nothing but headers is fetched', (t) => {
  const weights = [...plans.values()].flatMap(({ models }) =>
    Object.values(models).map(({ bytes }) => bytes),
  );
  t.ok(sentOfWeights > 0);
  t.ok(sentOfWeights < 2e6, `${sentOfWeights} bytes of ${weights.reduce((sum, one) => sum + one, 0)}`);
  t.end();
});

t.test('plan.json is read as it was written', async (t) => {
  const plan = plans.get('redistill-qwen-7b')!;
  await writePlan(root, plan);
  const { format_version: version, ...read } = (await readPlan(root))!;
  t.equal(version, 1);
  t.strictSame(read, plan);
  t.equal(await readPlan(`${root}/elsewhere`), undefined);
});
