// The scoring engine beside stock lm-evaluation-harness 0.4.13 (hf, CPU, float32, the best of some batch sizes) on the
// same requests and weights: seconds from texts to answers, and peak memory. One line a comparison, as `make bench`.
//   REDISTILL_LM_EVAL=DIR/bin/python node --import tsx test/bench/evalSpeed.ts MODEL [TASK...]
// DIR is a virtual environment with lm_eval==0.4.13, torch and transformers; the tasks' data lie in ../shared.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TASKS = {
  hellaswag: { shots: 10, limit: 40 },
  mmlu_us_foreign_policy: { shots: 5, limit: 40 },
  gsm8k: { shots: 5, limit: 8 },
};
const BATCHES = [1, 8, 16];
/** Items by which the best batch size is found. */
const TRIAL = 8;

interface Measured {
  seconds: number;
  peakBytes: number;
  difference?: number;
}

const python = process.env.REDISTILL_LM_EVAL;
const [model, ...names] = process.argv.slice(2);
if (!python || !model)
  throw new Error('set REDISTILL_LM_EVAL and name a model folder; see the top of this file');
const folder = await mkdtemp(join(tmpdir(), 'evalSpeed-'));
try {
  for (const [task, size] of Object.entries(TASKS))
    if (names.length === 0 || names.includes(task)) await compare(task, size);
} finally {
  await rm(folder, { recursive: true });
}

async function compare(task: string, { shots, limit }: { shots: number; limit: number }): Promise<void> {
  const requests = join(folder, `${task}.json`);
  const theirs = (limit: number, batch: number) =>
    measure(python!, [
      ...['test/bench/lmEval.py', '--model', model!, '--shared', '../shared', '--requests', requests],
      ...['--task', task, '--shots', `${shots}`, '--limit', `${limit}`, '--batch', `${batch}`],
    ]);
  const trials: { batch: number; seconds: number }[] = [];
  for (const batch of BATCHES) trials.push({ batch, ...(await theirs(Math.min(limit, TRIAL), batch)) });
  const { batch } = trials.reduce((best, trial) => (trial.seconds < best.seconds ? trial : best));
  console.error(
    `${task}: lm_eval ${trials.map(({ batch, seconds }) => `${seconds.toFixed(1)} s at batch size ${batch}`).join(', ')}`,
  );
  const reference = await theirs(limit, batch);
  for (const dtype of ['float32', 'bfloat16']) {
    const ours = await measure(process.execPath, [
      '--import',
      'tsx',
      'test/bench/evalRequests.ts',
      model!,
      requests,
      dtype,
    ]);
    const ratio = (reference.seconds / ours.seconds).toFixed(2);
    const name = `eval_${task}_${limit}_${dtype}`;
    console.log(
      `bench ${name} ours ${ours.seconds.toFixed(2)} theirs ${reference.seconds.toFixed(2)} s ratio ${ratio}`,
    );
    const megabytes = ({ peakBytes }: Measured) => (peakBytes / 1e6).toFixed(0);
    const less = (reference.peakBytes / ours.peakBytes).toFixed(2);
    console.log(
      `bench ${name}_memory ours ${megabytes(ours)} theirs ${megabytes(reference)} MB ratio ${less}`,
    );
    console.error(`${name}: answers differ by ${ours.difference}`);
  }
}

/** Runs a side to its end and collects the JSON lines it prints. */
async function measure(command: string, args: string[]): Promise<Measured> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const output: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(text));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}`);
  const lines = output
    .join('')
    .split('\n')
    .filter((line) => line.startsWith('{"'));
  return Object.assign({}, ...lines.map((line) => JSON.parse(line) as object)) as Measured;
}
