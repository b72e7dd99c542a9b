// What the tests of this folder need beyond the repository, and the words with which they are skipped without it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Models and values made by transformers; not part of the project. */
export const FIXTURES = '../shared/fixtures';

/** The embedded recipe's run. */
export const RUN = 'data/runs/smollm2';

/** A Python with torch, transformers and pyarrow. */
export const python = process.env.REDISTILL_PYTHON ?? '';

/** A Python with lm_eval 0.4.13 and its `hf` extra. */
export const lmEvalPython = process.env.REDISTILL_LM_EVAL ?? '';

const needed = {
  fixtures: () => (existsSync(FIXTURES) ? undefined : 'needs ../shared'),
  models: () => finished('sources/teacher/config.json', 'make fetch'),
  teacher: () => finished('teacher/manifest.json', 'make teacher'),
  logits: () => finished('logits/manifest.json', 'make logits'),
  student: () => finished('train/main/manifest.json', 'make train'),
  lmEval: () => (lmEvalPython ? undefined : 'needs REDISTILL_LM_EVAL, a Python with lm_eval[hf] 0.4.13'),
  python: () =>
    python ? undefined : 'needs REDISTILL_PYTHON, a Python with torch, transformers, numpy and pyarrow',
};

/** What `skip` of a test takes: why it cannot run, or false. */
export function without(...needs: (keyof typeof needed)[]): string | false {
  return needs.map((need) => needed[need]()).find((reason) => reason !== undefined) ?? false;
}

function finished(file: string, command: string): string | undefined {
  return existsSync(join(RUN, file)) ? undefined : `needs ${join(RUN, file)}: run "${command}"`;
}
