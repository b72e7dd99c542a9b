// A project with the real Makefile and stand-ins for the stages, for tests of what make runs and why.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';

export const root = join(import.meta.dirname, '../..');
export const stages = ['fetch', 'mix', 'teacher', 'logits', 'train', 'eval', 'report'];

// Notes its arguments, then makes what the Makefile expects of the stage.
const STAGE = `#!/bin/sh
case "$*" in *' --check '*) test ! -e refuse; exit;; esac
echo "$@" >> calls
test -e fail && exit 1
stage=$(basename "$1" .ts)
while [ $# -gt 0 ]; do [ "$1" = --out ] && out=$2; shift; done
case $stage in
  fetch) mkdir -p "$out" && touch "$out/sources.json" ;;
  report) touch "$out" ;;
  setup | doctor) ;;
  eval) mkdir -p "$out" && touch "$out/manifest.json" "$out/comparison.json" ;;
  *) mkdir -p "$out" && touch "$out/manifest.json" ;;
esac
sleep 0.01 # past the tick of the file system's clock
`;

/** What a make said and ran. */
export interface Run {
  output: string;
  errors: string;
  /** The command lines of the stages that ran. */
  calls: string[];
  stages: string[];
}

export interface Project {
  folder: string;
  make: (...args: string[]) => Run;
  touch: (file: string) => void;
  stored: (stage: string) => string;
}

/** A folder with the Makefile, a recipe `r`, a finished set-up and stand-ins for the stages. */
export function makeProject(t: Test): Project {
  const recipe = Object.fromEntries(['sources', ...stages.slice(1, -1)].map((name) => [`${name}.yaml`, '']));
  const folder = t.testdir({
    data: { recipes: { r: recipe } },
    pipeline: {
      setup: { 'installTensorflow.ts': '', 'tensorflowBuilds.ts': '' },
      engine: { native: { 'kernel.h': '' } },
    },
    'package-lock.json': '{}',
    node_modules: { '.installed-lock.json': '{}', '@tensorflow': { 'tfjs-node-gpu': { 'setup.json': '' } } },
  });
  copyFileSync(join(root, 'Makefile'), join(folder, 'Makefile'));
  writeFileSync(join(folder, 'stage'), STAGE, { mode: 0o755 });
  const touch = (file: string): void => {
    spawnSync('touch', [file], { cwd: folder });
  };
  spawnSync('sleep', ['0.01']);
  touch('node_modules/.installed-lock.json');
  touch('node_modules/@tensorflow/tfjs-node-gpu/setup.json');
  const make = (...args: string[]): Run => runMake(folder, args);
  return { folder, make, touch, stored: (stage) => join(folder, 'data/runs/r/args', stage) };
}

function runMake(folder: string, args: string[]): Run {
  const calls = join(folder, 'calls');
  rmSync(calls, { force: true });
  const { stdout, stderr } = spawnSync('make', ['RECIPE=r', 'TSX=./stage', ...args], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, MAKEFLAGS: '', MAKELEVEL: '0', PATH: `${folder}:${process.env.PATH ?? ''}` }, // tests may run below make
  });
  const lines = existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : [];
  const stageCalls = lines.filter((line) => !/^stages\/(setup|doctor)\.ts/.test(line));
  const names = stageCalls.map((line) => /^stages\/(\w+)\.ts/.exec(line)?.[1] ?? line);
  return { output: stdout, errors: stderr, calls: stageCalls, stages: names };
}
