// Our side of `make bench`: the calls of the stages logits and train in the shape of one comparison.
// Prints what measure.py prints: a JSON line {"seconds"} a repetition after two to warm up, of a training step with the
// {"loadingSeconds"} among them, then {"peakBytes"}; and {"matmulRate"}, as the machine's rate changes with what else it does.
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { matmulRate } from '../../pipeline/engine/matmulRate.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { readShards, type LogitsReader } from '../../pipeline/logits/logitsCache.ts';
import { logitsConfig } from '../../pipeline/logits/logitsConfig.ts';
import type { SampleLogits } from '../../pipeline/logits/shardColumns.ts';
import { commitShard, findShards } from '../../pipeline/logits/shardRecords.ts';
import { teacherLogits } from '../../pipeline/logits/teacherLogits.ts';
import { lossPositions, targetPositions } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { headBlockOf } from '../../pipeline/train/headLoss.ts';
import { accumulateGradients, applyUpdate, createStudent } from '../../pipeline/train/student.ts';
import { lossOf, trainConfig } from '../../pipeline/train/trainConfig.ts';
import { trainingBatch } from '../../pipeline/train/trainingBatch.ts';

import { quantize } from './quantize.ts';

const TOP_K = 64;

interface Shape {
  model: string;
  batch: number;
  length: number;
  recompute: boolean;
}

/** Gives, of a training step, the seconds in which its batch was read and laid out. */
type Repetition = () => Promise<{ loadingSeconds?: number }>;

/** Teacher prefill and top-64 as the stage logits computes them, with its default head block. */
async function prefill(shape: Shape): Promise<Repetition> {
  const decoder = await loadDecoder(shape.model, { dtype: 'bfloat16' });
  const vocabularySize = decoder.config.vocabSize;
  const samples = randomSamples(shape, vocabularySize);
  const options = {
    ...{ topK: TOP_K, minK: TOP_K, mass: 1, temperatures: [1], vocabularySize },
    ...{ batchTokens: shape.batch * shape.length, headBlock: logitsConfig.parse({}).head_block },
  };
  return async () => {
    await teacherLogits(decoder, samples, options);
    return {};
  };
}

/** One optimizer step as the stage train takes it, with its defaults, from a cache on disk. */
async function kdStep(shape: Shape): Promise<Repetition> {
  const { vocabSize } = await readModelConfig(shape.model);
  const samples = randomSamples(shape, vocabSize);
  const cache = await temporaryCache(samples, vocabSize);
  const config = trainConfig.parse({ learning_rate: 2e-4, recompute: shape.recompute });
  const { learning_rate: learningRate, weight_decay: weightDecay, max_grad_norm: maxGradNorm } = config;
  const { beta1, beta2, epsilon, recompute } = config;
  const student = await createStudent(shape.model, config);
  const headBlock = headBlockOf(config.head_block, student.decoder.config);
  const scale = 1 / lossPositions(samples);
  let step = 0;
  return async () => {
    const start = performance.now();
    const batch = await trainingBatch(samples, cache, config);
    const loadingSeconds = (performance.now() - start) / 1000;
    accumulateGradients(student, batch, { loss: lossOf(config), scale, headBlock, recompute });
    tf.dispose(Object.values(batch.targets));
    applyUpdate(student, { learningRate, weightDecay, maxGradNorm, beta1, beta2, epsilon, step: ++step });
    return { loadingSeconds };
  };
}

function randomSamples({ batch, length }: Shape, vocabularySize: number): Sample[] {
  return Array.from({ length: batch }, (_, b) => ({
    ...{ id: `sample-${b}`, source: 'bench', split: 'train' as const },
    tokenIds: Int32Array.from({ length }, (_, t) => (7919 * (b * length + t)) % vocabularySize),
    lossMask: new Uint8Array(length).fill(1),
  }));
}

/** A made-up teacher, written as the stage logits writes it; the time of a step does not depend on its values. */
async function temporaryCache(samples: Sample[], vocabularySize: number): Promise<LogitsReader> {
  const folder = await mkdtemp(join(tmpdir(), 'redistill-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const format = { vocabularySize, temperatures: [1], precision: 'float16' as const };
  await commitShard(
    folder,
    '0',
    samples.map((sample) => madeUpLogits(sample, vocabularySize)),
    format,
  );
  const records = await findShards(folder);
  return readShards(
    records.map((record) => ({ folder, record })),
    [1],
  );
}

/** K tokens of falling probability at each position, 0.02 outside them. */
function madeUpLogits(sample: Sample, vocabularySize: number): SampleLogits {
  const P = targetPositions(sample).length;
  const ranks = Array.from({ length: TOP_K }, (_, i) => i);
  const sum = ranks.reduce((total, i) => total + 1 / (i + 1), 0);
  const entries = Array.from({ length: P }, (_, p) => ranks.map((i) => ({ p, i }))).flat();
  return {
    id: sample.id,
    counts: new Uint16Array(P).fill(TOP_K),
    ids: Int32Array.from(entries, ({ p, i }) => (613 * p + 757 * i) % vocabularySize),
    logProbs: Float32Array.from(entries, ({ i }) => Math.log(0.98 / sum / (i + 1))),
    atTemperature: [
      { logSumExp: new Float32Array(P).fill(10), logTailMass: new Float32Array(P).fill(Math.log(0.02)) },
    ],
  };
}

async function measure(step: Repetition, repeats: number): Promise<void> {
  for (let i = 0; i < 2; i++) await step();
  for (let i = 0; i < repeats; i++) {
    const start = performance.now();
    const told = await step();
    console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, ...told }));
  }
  const [, peakKib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))!;
  console.log(JSON.stringify({ peakBytes: Number(peakKib) * 1024 }));
  console.log(JSON.stringify({ matmulRate: matmulRate({ dtype: 'bfloat16' }) }));
}

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    task: text,
    model: text,
    batch: text,
    length: text,
    repeats: text,
    recompute: { type: 'boolean', default: false },
  },
});
const { model, batch, length, recompute } = values;
const shape = { model: model!, batch: Number(batch), length: Number(length), recompute };
const tasks = { prefill, kdStep, quantize };
const step = await tasks[values.task as keyof typeof tasks](shape);
await measure(step, Number(values.repeats));
