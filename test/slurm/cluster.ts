// A Slurm cluster of one node on this machine, with its key, ports, configuration and state in a temporary folder; its
// three daemons are children of the test and end with it. Where Slurm is missing, apt installs it.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { show } from '../real/figures.ts';

const PROGRAMS = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'squeue', 'scancel', 'scontrol', 'sinfo'];
const PACKAGES = ['slurm-wlm', 'munge'];

/** Seconds for a daemon to answer. */
const PATIENCE = 30;

/** What `skip` of a test takes: why there can be no cluster here, or false. */
export function withoutSlurm(): string | false {
  if (process.getuid?.() !== 0) return 'needs root, to start slurmd and munged';
  if (missingPrograms().length === 0) return false;
  if (run('apt-get', '--version').status !== 0)
    return `needs ${missingPrograms().join(', ')}, and there is no apt-get to install ${PACKAGES.join(' and ')}`;
  show(`apt-get install ${PACKAGES.join(' ')}`);
  run('apt-get', 'update');
  const { stderr } = run('apt-get', 'install', '--yes', '--no-install-recommends', ...PACKAGES);
  const missing = missingPrograms().join(', ');
  return missing !== '' && `apt-get did not bring ${missing}: ${stderr.trim().split('\n').at(-1)}`;
}

/** What a command of Slurm prints. @throws Error with its complaint. */
export function slurm(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = run(command, ...args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return stdout;
}

/** Starts the cluster and points the commands of Slurm in this process and its children to it. */
export async function startCluster({ cpus = 2 } = {}): Promise<{ stop: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'redistill-slurm-'));
  chmodSync(folder, 0o755); // munge wants its socket in everyone's reach
  const at = (name: string) => join(folder, name);
  for (const name of ['state', 'spool']) mkdirSync(at(name));
  writeFileSync(at('munge.key'), randomBytes(1024), { mode: 0o400 });
  writeFileSync(at('slurm.conf'), configuration(at, { cpus, ports: [await freePort(), await freePort()] }));
  process.env.SLURM_CONF = at('slurm.conf');
  const munge = ['key-file', 'pid-file', 'log-file', 'seed-file', 'socket'].map(
    (flag) => `--${flag}=${at(`munge.${flag.replace('-file', '')}`)}`,
  );
  const daemons = [
    daemon(at, 'munged', '--foreground', ...munge),
    daemon(at, 'slurmctld', '-D'),
    daemon(at, 'slurmd', '-D', '-N', 'localhost'),
  ];
  process.once('exit', () => daemons.forEach((child) => child.kill())); // should the test be killed
  await untilIdle(at);
  show(`${slurm('sbatch', '--version').trim()}, a node of ${cpus} processors`);
  return {
    stop: async () => {
      run('scancel', '--me');
      for (const child of daemons.reverse()) await end(child);
      rmSync(folder, { recursive: true });
    },
  };
}

/** Nothing of it touches the machine's control groups, accounting or an installed cluster. */
function configuration(
  at: (name: string) => string,
  { cpus, ports }: { cpus: number; ports: [number, number] },
): string {
  return `
ClusterName=redistill
SlurmctldHost=localhost
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${at('munge.socket')}
SlurmctldPort=${ports[0]}
SlurmdPort=${ports[1]}
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool')}
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('slurmd.pid')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2
ReturnToService=2
KillWait=5
NodeName=localhost CPUs=${cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;
}

function daemon(at: (name: string) => string, name: string, ...args: string[]): ChildProcess {
  const log = openSync(at(`${name}.out`), 'a');
  return spawn(name, args, { stdio: ['ignore', log, log] });
}

/** @throws Error with the last words of the daemons when the node does not come up. */
async function untilIdle(at: (name: string) => string): Promise<void> {
  const deadline = performance.now() + 1000 * PATIENCE;
  while (run('sinfo', '--noheader', '--format=%T').stdout.trim() !== 'idle') {
    if (performance.now() > deadline) {
      const logs = ['munged.out', 'slurmctld.out', 'slurmd.out'].map((name) =>
        readFileSync(at(name), 'utf8'),
      );
      throw new Error(`the cluster does not start:\n${logs.join('\n')}`);
    }
    await setTimeout(300);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  const kill = globalThis.setTimeout(() => child.kill('SIGKILL'), 1000 * PATIENCE);
  await closed;
  clearTimeout(kill);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function missingPrograms(): string[] {
  return PROGRAMS.filter((name) => run('sh', '-c', `command -v ${name}`).status !== 0);
}

function run(command: string, ...args: string[]) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { encoding: 'utf8', env });
}
