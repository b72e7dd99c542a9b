// kill -9 at random and at awkward moments of teacher, logits, train and eval on the real SmolLM2, each restarted until it is
// through, and signals in the middle of a training step: what it ends with has the bytes of an uninterrupted run, file by
// file, and nothing else lies in the folder but what tells times.
import { once } from 'node:events';
import { appendFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformFloat32 } from 'pure-rand/distribution/uniformFloat32';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { fingerprint, sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { watchStage } from '../runStage.ts';
import { show } from './figures.ts';
import { RUN, without } from './needs.ts';

/** Part of the undisturbed time after which no process is killed: a resumed one would mostly be through. */
const LATEST = 0.8;

/** Of the moments; a large number, as the first draws of small seeds are all alike. */
const stream = xoroshiro128plus(987_654_321);

/** When to kill: as soon as `isNow`, given the files this run has written and the part of the undisturbed time that is over. */
interface Moment {
  name: string;
  isNow: (now: { files: string[]; part: number }) => boolean;
}

function random(count: number): Moment[] {
  return Array.from({ length: count }, () => {
    const at = LATEST * uniformFloat32(stream);
    return { name: `at ${(100 * at).toFixed(0)} % of the time`, isNow: ({ part }) => part >= at };
  });
}

function whenThereIs(file: RegExp, name: string): Moment {
  return { name, isNow: ({ files }) => files.some((path) => file.test(path)) };
}

const MOMENTS = {
  teacher: random(3),
  logits: random(5),
  eval: random(5),
  train: [
    whenThereIs(/^metrics\.jsonl$/, 'before the first checkpoint'),
    whenThereIs(/^checkpoint\/step-0+1\.safetensors\.tmp$/, 'in the first checkpoint'),
    ...random(3),
    whenThereIs(/^checkpoint\/step-\d+\.safetensors\.tmp$/, 'in a later checkpoint'),
    ...random(2),
    whenThereIs(/^model\/model\.safetensors\.tmp$/, 'in the export'),
    whenThereIs(/^model\/model\.safetensors$/, 'between the files of the export'),
  ],
};

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
  teacher: '',
  logits: 'shard_tokens: 600\nbatch_tokens: 2048\n',
  train: `
learning_rate: 3e-4
batch_tokens: 1024
micro_batch_tokens: 1024
max_steps: 4
checkpoint_every: 1
eval_every: 2
`,
  eval: 'tasks: [held_out, hellaswag, gsm8k]\nbatch_tokens: 512\nmax_gen_toks: 12\n',
};

void t.test('killed at random moments', { skip: without('student') }, async (t) => {
  const base = t.testdir();
  const at = (name: string) => join(base, name);
  for (const [stage, yaml] of Object.entries(RECIPE)) writeFileSync(at(`${stage}.yaml`), yaml);
  const command = (stage: keyof typeof RECIPE, folders: Record<string, string>) => (out: string) => {
    const flags: Record<string, string> = { config: at(`${stage}.yaml`), ...folders, out };
    return { stage, flags };
  };
  const student = join(RUN, 'sources/student');
  const mix = command('mix', { tokenizer: student, 'sources-file': join(RUN, 'sources.json') });
  await run(mix(at('mix')));
  const teacher = command('teacher', { model: join(RUN, 'sources/teacher') });
  await t.test('teacher', (t) => compare(t, { name: 'teacher', command: teacher, at }));
  const logits = command('logits', { mix: at('mix'), teacher: at('teacher') });
  await t.test('logits', (t) => compare(t, { name: 'logits', command: logits, at }));
  const train = command('train', { mix: at('mix'), logits: at('logits'), student });
  await t.test('train', (t) => compare(t, { name: 'train', command: train, at }));
  await t.test('signals', (t) => interrupt(t, { command: train, at }));
  appendFileSync(at('eval.yaml'), stringify({ data: writeBenchmarks(base) }));
  const evaluate = command('eval', { model: student, mix: at('mix'), logits: at('logits') });
  await t.test('eval', (t) => compare(t, { name: 'eval', command: evaluate, at }));
});

/** Rows of a task that is scored and one that is answered, enough for several batches of either. */
function writeBenchmarks(folder: string): Record<string, Record<string, string>> {
  const files = { hellaswag: join(folder, 'hellaswag.jsonl'), gsm8k: join(folder, 'gsm8k.jsonl') };
  const rows = Array.from({ length: 80 }, (_, i) => i);
  const verbs = ['walks', 'runs', 'swims', 'sings'];
  const activity = { activity_label: 'Test', ctx_a: '', ctx: '' };
  writeFileSync(
    files.hellaswag,
    rows
      .slice(0, 40)
      .map((i) =>
        line({
          ...activity,
          ctx_a: `Person ${i} gets up.`,
          ctx_b: 'then it',
          endings: verbs.map((verb) => `${verb} ${i} miles.`),
          label: String(i % 4),
        }),
      )
      .join(''),
  );
  writeFileSync(
    files.gsm8k,
    rows
      .map((i) => line({ question: `What is ${i} plus ${7 * i}?`, answer: `It is ${8 * i}.\n#### ${8 * i}` }))
      .join(''),
  );
  return {
    hellaswag: { train: files.hellaswag, validation: files.hellaswag },
    gsm8k: { train: files.gsm8k, test: files.gsm8k },
  };
}

function line(row: object): string {
  return JSON.stringify(row) + '\n';
}

interface Subject {
  command: (out: string) => Command;
  at: (name: string) => string;
}

/** Runs once undisturbed into NAME, then into NAME-killed until it was killed at every moment and is through. */
async function compare(
  t: Test,
  { name, command, at }: Subject & { name: keyof typeof MOMENTS },
): Promise<void> {
  let { seconds } = await run(command(at(name)));
  const expected = await sha256OfFiles(at(name));
  show(`${name}, undisturbed: ${seconds.toFixed(1)} s`);
  for (const [file, sha256] of Object.entries(expected)) show(`  ${sha256}  ${file}`);
  const out = at(`${name}-killed`);
  const left = [...MOMENTS[name]];
  let isFresh = true;
  for (;;) {
    const moment = left[0];
    const start = Date.now();
    const isDue = (part: number) => moment?.isNow({ files: writtenSince(start, out), part }) ?? false;
    const { signal, seconds: after } = await run(command(out), {
      signal: 'SIGKILL',
      isDue: (elapsed) => isDue(elapsed / seconds),
    });
    if (signal) {
      show(`${name}, killed ${moment!.name}, after ${after.toFixed(2)} s, leaving ${contents(out)}`);
      left.shift();
      isFresh = false;
      continue;
    }
    const found = await sha256OfFiles(out);
    const kills = MOMENTS[name].length - left.length;
    t.strictSame(found, expected, `the same files after ${kills} kills`);
    show(`${name}, through after ${kills} kills: ${fingerprint(found)} against ${fingerprint(expected)}`);
    if (!moment) return;
    if (isFresh) seconds = Math.min(seconds, after); // the machine does more now than at first
    rmSync(out, { recursive: true }); // it was faster than the next kill: once more from the start
    isFresh = true;
  }
}

/** SIGINT and SIGTERM in the middle of a step: the exit code, what is saved, and how the same command goes on. */
async function interrupt(t: Test, { command, at }: Subject): Promise<void> {
  const expected = await sha256OfFiles(at('train'));
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const out = at(signal);
    const wait = 0.5 * uniformFloat32(stream);
    let stepDone = Infinity;
    const { code, errors } = await run(command(out), {
      signal,
      isDue: (seconds, errors) => {
        if (errors.includes('step 1/')) stepDone = Math.min(stepDone, seconds);
        return seconds >= stepDone + wait;
      },
    });
    const said = errors.trimEnd().split('\n').at(-1)!;
    show(`train, ${signal} in step 2: exit ${code}, "${said}"`);
    t.equal(code, exitCode, signal);
    t.match(said, /stopped after step 2 of 4; the state of step 2 is saved/);
    t.ok(filesOf(out).includes('checkpoint/step-000002.safetensors'), 'it is there');
    await run(command(out));
    t.strictSame(await sha256OfFiles(out), expected, 'the same files, continued');
  }
}

interface Command {
  stage: string;
  flags: Record<string, string>;
}

interface Interruption {
  signal: NodeJS.Signals;
  /** Asked all the time, with the seconds since the start and what was written to stderr. */
  isDue: (seconds: number, errors: string) => boolean;
}

/** Runs a stage to its end, or sends it a signal when that is due. @throws Error when it fails by itself. */
async function run(command: Command, interruption?: Interruption) {
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const child = watchStage(command.stage, command.flags);
  let errors = '';
  child.stderr.on('data', (text: string) => (errors += text));
  const timer = setInterval(() => {
    if (!child.killed && interruption?.isDue(elapsed(), errors)) child.kill(interruption.signal);
  }, 5);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearInterval(timer);
  if (code !== 0 && !child.killed) throw new Error(`${command.stage} failed: ${errors}`);
  return { seconds: elapsed(), code, signal, errors };
}

/** Paths of the files under a folder, which another process may be changing; none where there is no folder. */
function filesOf(folder: string): string[] {
  try {
    const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    return paths.filter((path) => statSync(join(folder, path), { throwIfNoEntry: false })?.isFile());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function writtenSince(start: number, folder: string): string[] {
  const time = (file: string) => statSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return filesOf(folder).filter((file) => time(file) > start);
}

async function sha256OfFiles(folder: string): Promise<Record<string, string>> {
  const sums: Record<string, string> = {};
  for (const file of filesOf(folder))
    if (!/^(tensorboard\/|(timing|usage)\.json$)/.test(file))
      sums[file] = await sha256OfFile(join(folder, file));
  return sums;
}

/** What a killed run left, in words. */
function contents(folder: string): string {
  const files = filesOf(folder);
  const unfinished = files.filter((file) => file.endsWith('.tmp'));
  return `${files.length - unfinished.length} files and ${unfinished.length} half-written`;
}
