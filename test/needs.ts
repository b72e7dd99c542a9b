// What some tests need beyond the repository, and the words with which they are skipped without it.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Models and values made with other libraries; not part of the project. */
export const FIXTURES = '../shared/fixtures';

/** The Python that reads what we wrote; another one than python3 by the environment variable REDISTILL_PYTHON. */
export const python = process.env.REDISTILL_PYTHON ?? 'python3';

/** What `skip` of a test takes: false when there is such a file or folder. */
export function without(path: string): string | false {
  return existsSync(path) ? false : `needs ${path}`;
}

/** What `skip` of a test takes: false when Python has the modules. */
export function withoutModules(...modules: string[]): string | false {
  const imports = spawnSync(python, ['-c', `import ${modules.join(', ')}`]);
  return imports.status === 0 ? false : `needs ${modules.join(' and ')} in ${python}`;
}
