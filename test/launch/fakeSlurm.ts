// Stands in for sbatch, squeue and scancel: programs on PATH that run tasks here, one after the other, as Slurm would.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Test } from 'tap';

const SBATCH = `
echo "sbatch $*" >>calls
if test -e refuse; then cat refuse >&2; exit 1; fi
for word; do
  case $word in
    --array=*) array=\${word#*=} ;;
    --output=*) output=\${word#*=} ;;
    --dependency=*) depends=yes ;;
  esac
  script=$word
done
echo 17
if test "$array"; then
  rm -f failed
  for range in $(echo "\${array%\\%*}" | tr , ' '); do
    for i in $(seq "\${range%-*}" "\${range#*-}"); do
      SLURM_ARRAY_TASK_ID=$i sh "$script" >>"$(echo "$output" | sed "s/%a/$i/")" 2>&1 || touch failed
    done
  done
elif test "$depends" && test -e failed; then
  exit 1 # cancelled by --kill-on-invalid-dep
else
  sh "$script" >>"$output" 2>&1
fi
`;
const SQUEUE = 'echo "squeue $*" >>calls; test ! -e queue || cat queue';
const SCANCEL = 'echo "scancel $*" >>calls; rm -f queue';

export interface FakeSlurm {
  /** What was called, in order; squeue aside. */
  calls: () => string[];
  /** What squeue prints until scancel is called. */
  setQueue: (rows: string) => void;
  /** What sbatch refuses every job with. */
  refuse: (complaint: string) => void;
}

/** Puts the programs first on PATH of this process, until the test ends. */
export function fakeSlurm(t: Test, folder: string): FakeSlurm {
  mkdirSync(folder);
  for (const [name, body] of Object.entries({ sbatch: SBATCH, squeue: SQUEUE, scancel: SCANCEL })) {
    // what the programs keep lies in their folder; scripts and logs are named in full
    writeFileSync(join(folder, name), `#!/bin/sh\ncd '${folder}' || exit\n${body}`);
    chmodSync(join(folder, name), 0o755);
  }
  const path = process.env.PATH ?? '';
  process.env.PATH = `${folder}${delimiter}${path}`;
  t.teardown(() => {
    process.env.PATH = path;
  });
  const calls = join(folder, 'calls');
  return {
    calls: () =>
      existsSync(calls)
        ? readFileSync(calls, 'utf8')
            .trimEnd()
            .split('\n')
            .filter((line) => !line.startsWith('squeue'))
        : [],
    setQueue: (rows) => writeFileSync(join(folder, 'queue'), rows),
    refuse: (complaint) => writeFileSync(join(folder, 'refuse'), complaint),
  };
}
