// Writes the plans of the recipes that need the Hub as test/plan/hubRecipes.test.ts compares them:
//   node --import tsx test/golden/plan/writeTables.ts
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planTables } from '../../../pipeline/plan/planTables.ts';
import { planHubRecipes } from '../../plan/plannedRecipes.ts';

const cache = await mkdtemp(join(tmpdir(), 'plan-'));
const { plans } = await planHubRecipes(cache);
for (const [name, plan] of plans) await writeFile(join(import.meta.dirname, `${name}.txt`), planTables(plan));
await rm(cache, { recursive: true });
