// What sbatch is given, to the letter: from `slurm` in logits.yaml, and from the launch.
import { execFileSync } from 'node:child_process';
import t from 'tap';
import type { Launch } from '../../pipeline/launch/launchPlan.ts';
import { slurmConfig } from '../../pipeline/logits/slurmConfig.ts';
import {
  arrayArguments,
  mergeArguments,
  mergeScript,
  shareScript,
} from '../../pipeline/launch/slurmScripts.ts';

function launchWith(slurm: unknown, folder = '/runs/r/logits/launch/logits-0a1b2c3d'): Launch {
  return {
    ...{ name: 'logits-0a1b2c3d', out: '/runs/r/logits', folder, shards: 16 },
    slurm: slurmConfig.parse(slurm),
    stage: ['/usr/bin/node', '--import', 'tsx', 'stages/logits.ts', '--out', "/runs/it's here"],
  };
}

const FULL = {
  partition: 'gpu',
  account: 'lab',
  qos: 'low',
  gres: 'gpu:a100:1',
  time: '4:00:00',
  cpus_per_task: 8,
  mem: '64G',
  at_once: 4,
  flags: ['--constraint=a100&nvlink', '--exclude=n1,n2'],
};

t.test('the script of a share', (t) => {
  t.equal(
    shareScript(launchWith(FULL), '/work/redistill'),
    `#!/bin/sh
#SBATCH --partition=gpu
#SBATCH --account=lab
#SBATCH --qos=low
#SBATCH --gres=gpu:a100:1
#SBATCH --time=4:00:00
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --constraint=a100&nvlink
#SBATCH --exclude=n1,n2
cd /work/redistill || exit
/usr/bin/node --import tsx stages/logits.ts --out '/runs/it'\\''s here' --shard "$SLURM_ARRAY_TASK_ID/16"
`,
  );
  t.end();
});

t.test('the script of the finishing run, with nothing asked for', (t) => {
  t.equal(
    mergeScript(launchWith({}), "/work/o'clock"),
    `#!/bin/sh
cd '/work/o'\\''clock' || exit
/usr/bin/node --import tsx stages/logits.ts --out '/runs/it'\\''s here' >/runs/r/logits/launch/logits-0a1b2c3d/merge.out.tmp && mv /runs/r/logits/launch/logits-0a1b2c3d/merge.out.tmp /runs/r/logits/launch/logits-0a1b2c3d/merge.out
`,
  );
  t.end();
});

t.test('the arguments of the array', (t) => {
  const parts = Array.from({ length: 16 }, (_, i) => i + 1);
  const job = ['--parsable', '--job-name=logits-0a1b2c3d', '--requeue', '--open-mode=append'];
  const output = '--output=/runs/r/logits/launch/logits-0a1b2c3d/share-%a-of-16.log';
  t.same(arrayArguments(launchWith({}), parts, 'share.sh'), [...job, output, '--array=1-16', 'share.sh']);
  for (const [some, array] of [
    [[3], '3'],
    [[1, 2, 3, 7, 9, 10], '1-3,7,9-10'],
  ] as const)
    t.match(arrayArguments(launchWith({}), some, 'share.sh'), [
      ...job,
      output,
      `--array=${array}`,
      'share.sh',
    ]);
  t.match(arrayArguments(launchWith(FULL), parts, 'share.sh').at(-2), '--array=1-16%4');
  t.end();
});

t.test('the arguments of the finishing run', (t) => {
  const job = ['--parsable', '--job-name=logits-0a1b2c3d', '--requeue', '--open-mode=append'];
  const rest = ['--output=/runs/r/logits/launch/logits-0a1b2c3d/merge.log', '--wait'];
  const after = ['--dependency=afterok:17', '--kill-on-invalid-dep=yes'];
  t.same(mergeArguments(launchWith(FULL), 'merge.sh', '17'), [...job, ...rest, ...after, 'merge.sh']);
  t.same(mergeArguments(launchWith(FULL), 'merge.sh'), [...job, ...rest, 'merge.sh'], 'no share had to run');
  t.end();
});

t.test('a shell reads the words back as they were', (t) => {
  const launch = {
    ...launchWith({}),
    stage: ['printf', '%s|', 'a b', "it's", '$HOME', '`x`', '"', '\\', 'a\nb'],
  };
  const printed = execFileSync('sh', ['-c', shareScript(launch, '/').replace(/ --shard .*/, '')], {
    encoding: 'utf8',
  });
  t.equal(printed, launch.stage.slice(2).join('|') + '|');
  t.end();
});

t.test('what logits.yaml may not say', (t) => {
  for (const slurm of [{ partition: 'a b' }, { flags: ['exclusive'] }, { flags: ['-x\nrm'] }, { nodes: 2 }])
    t.equal(slurmConfig.safeParse(slurm).success, false, JSON.stringify(slurm));
  t.same(slurmConfig.parse({ time: 30, mem: 4000 }), { time: 30, mem: 4000, flags: [] });
  t.end();
});
