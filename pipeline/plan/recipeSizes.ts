// How large what a recipe names is: models and datasets on the Hub or here, the mix.
import { join } from 'node:path';
import { datasetName } from '../hub/resolveDataset.ts';
import { sourceName } from '../hub/resolveModel.ts';
import type { StudentSource } from '../hub/sourcesConfig.ts';
import { readSources, type ResolvedModel } from '../hub/sourcesFile.ts';
import { sizeOfDataset } from './datasetSize.ts';
import { mixSize, type MixSize } from './mixSize.ts';
import { sizeOfModel, sizeOfStudent, type ModelSize } from './modelSize.ts';
import type { Plan } from './planFile.ts';
import type { RecipeConfigs } from './readRecipe.ts';

/** What they are about. */
export interface RecipeSizes {
  teacher: ModelSize;
  student: ModelSize;
  datasets: Plan['datasets'];
  mix: MixSize;
}

/**
 * @param run folder of the recipe's run; what was fetched and mixed there is not estimated
 * @throws UserError naming a source that cannot be looked into.
 */
export async function recipeSizes({ sources, mix }: RecipeConfigs, run: string): Promise<RecipeSizes> {
  const fetched = await readSources(run).catch(() => undefined); // one that cannot be read says nothing
  const teacher = await sizeOfModel(sources.teacher, {
    field: 'teacher',
    resolved: folderOf(fetched?.teacher, sources.teacher),
  });
  const student = await sizeOfStudent(sources.student, {
    ...{ field: 'student', teacher },
    resolved: folderOf(fetched?.student, sources.student),
  });
  const datasets: Plan['datasets'] = {};
  for (const [name, source] of Object.entries(sources.datasets)) {
    const own = fetched?.datasets[name];
    const resolved = own?.reference === datasetName(source) ? own : undefined;
    const { reference, bytes, cachedBytes } = await sizeOfDataset(source, {
      field: `datasets.${name}`,
      resolved,
    });
    datasets[name] = { reference, bytes, cached_bytes: cachedBytes };
  }
  return { teacher, student, datasets, mix: await mixSize(mix, join(run, 'mix')) };
}

/** Where a model is, if what was fetched is what is asked for now. */
function folderOf(fetched: ResolvedModel | undefined, source: StudentSource): string | undefined {
  return fetched?.reference === sourceName(source) ? fetched.path : undefined;
}
