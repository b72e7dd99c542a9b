// kill -9 at random moments of logits and of train on the real SmolLM2, each restarted until it is through: what it
// ends with has the bytes of an uninterrupted run, file by file, and nothing else lies in the folder but what tells times.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t, { type Test } from 'tap';
import { fingerprint, sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { show } from './figures.ts';
import { RUN, without } from './needs.ts';

const KILLS = 5;

/** Part of the undisturbed time after which no process is killed: a resumed one would mostly be through. */
const LATEST = 0.8;

/** Of the moments; a large number, as the first draws of small seeds are all alike. */
const moments = xoroshiro128plus(987_654_321);

/** A small mix, shards of a few samples and a checkpoint every step, so that there is much to lose at any moment. */
const RECIPE = {
  mix: `
total: 60
held_out: 6
max_tokens: 160
overlength: truncate
sources:
  metamathqa: { weight: 1, format: metamathqa }
  evol_code: { weight: 1, format: evol_code }
`,
  logits: 'shard_tokens: 600\nbatch_tokens: 2048\n',
  train: `
learning_rate: 3e-4
batch_tokens: 1024
micro_batch_tokens: 1024
max_steps: 4
checkpoint_every: 1
eval_every: 2
`,
};

void t.test('killed at random moments', { skip: without('student') }, async (t) => {
  const base = t.testdir();
  const at = (name: string) => join(base, name);
  for (const [stage, yaml] of Object.entries(RECIPE)) writeFileSync(at(`${stage}.yaml`), yaml);
  const command = (stage: keyof typeof RECIPE, folders: Record<string, string>) => (out: string) => [
    ...['--import', 'tsx', `stages/${stage}.ts`],
    ...Object.entries({ config: at(`${stage}.yaml`), ...folders, out }).flatMap(([k, v]) => [`--${k}`, v]),
  ];
  const student = join(RUN, 'sources/student');
  const mix = command('mix', { tokenizer: student, 'sources-file': join(RUN, 'sources.json') });
  await run(mix(at('mix')));
  const logits = command('logits', { mix: at('mix'), teacher: join(RUN, 'teacher') });
  await t.test('logits', (t) => compare(t, { name: 'logits', command: logits, at }));
  const train = command('train', { mix: at('mix'), logits: at('logits'), student });
  await t.test('train', (t) => compare(t, { name: 'train', command: train, at }));
});

interface Subject {
  name: string;
  command: (out: string) => string[];
  at: (name: string) => string;
}

/** Runs once undisturbed into NAME, then into NAME-killed until it was killed often enough and is through. */
async function compare(t: Test, { name, command, at }: Subject): Promise<void> {
  const { seconds } = await run(command(at(name)));
  const expected = await sha256OfFiles(at(name));
  show(`${name}, undisturbed: ${seconds.toFixed(1)} s`);
  for (const [file, sha256] of Object.entries(expected)) show(`  ${sha256}  ${file}`);
  const out = at(`${name}-killed`);
  for (let kills = 0; ;) {
    const killAfter = kills < KILLS ? uniformFloat32(moments) * LATEST * seconds : undefined;
    const { wasKilled } = await run(command(out), killAfter);
    if (wasKilled)
      show(`${name}, kill ${++kills}: after ${killAfter!.toFixed(2)} s, leaving ${contents(out)}`);
    else {
      const found = await sha256OfFiles(out);
      t.strictSame(found, expected, `the same files after ${kills} kills`);
      show(`${name}, through after ${kills} kills: ${fingerprint(found)} against ${fingerprint(expected)}`);
      if (kills === KILLS) return;
      rmSync(out, { recursive: true }); // it was faster than the next kill: once more from the start
    }
  }
}

/** Runs a stage to its end, or kills it after some seconds. @throws Error when it fails by itself. */
async function run(command: string[], killAfter?: number): Promise<{ seconds: number; wasKilled: boolean }> {
  const started = performance.now();
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  const timer =
    killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter * 1000);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  const wasKilled = signal === 'SIGKILL' && killAfter !== undefined;
  if (code !== 0 && !wasKilled) throw new Error(`${command.join(' ')} failed: ${errors.join('')}`);
  return { seconds: (performance.now() - started) / 1000, wasKilled };
}

function filesOf(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return paths.filter((path) => statSync(join(folder, path)).isFile());
}

async function sha256OfFiles(folder: string): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const file of filesOf(folder))
    if (!/^(tensorboard\/|timing\.json$)/.test(file)) sums[file] = await sha256OfFile(join(folder, file));
  return sums;
}

/** What a killed run left, in words. */
function contents(folder: string): string {
  try {
    const files = filesOf(folder);
    const unfinished = files.filter((file) => file.endsWith('.tmp'));
    return `${files.length - unfinished.length} files and ${unfinished.length} half-written`;
  } catch {
    return 'nothing';
  }
}
