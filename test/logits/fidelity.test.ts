// How true a cache is: figures by source against an independent computation, a quantized teacher against its original,
// which is run layer by layer, and the words where there is nothing to compare.
import t, { type Test } from 'tap';
import { cast, gatherRows } from '../../pipeline/engine/layoutOps.ts';
import { int32 } from '../../pipeline/engine/rawOp.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { fidelitySequences, type Fidelity } from '../../pipeline/logits/fidelity.ts';
import type { LogitsStatistics } from '../../pipeline/logits/logitsStatistics.ts';
import { batchesByLength, lossPositions, paddedBatch } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { batchShape, hiddenStates, logitsOf, type Decoder } from '../../pipeline/model/decoder.ts';
import { layerwiseHiddenStates } from '../../pipeline/model/layerwise.ts';
import { disposeDecoder, loadDecoder, openDecoder } from '../../pipeline/model/loadDecoder.ts';
import { makeTeacher } from '../../pipeline/teacher/makeTeacher.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import { randomSamples, sampleOf } from '../tinyMix.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { dumpScene } from './dumpScene.ts';

for (const model of [{ tied: true }, { tied: false, modelType: 'qwen2' as const }])
  t.test(`layer by layer as in one go, ${JSON.stringify(model)}`, async (t) => {
    const folder = t.testdir();
    await makeTinyModel(folder, { ...model, layers: 3 });
    const batches = batchesByLength(randomSamples(20), 200).map(paddedBatch);
    const decoder = await loadDecoder(folder, { dtype: 'bfloat16' });
    const before = tf.memory().numTensors;
    const parts = await openDecoder(folder, { dtype: 'bfloat16' });
    const states = await layerwiseHiddenStates(parts, batches);
    t.equal(tf.memory().numTensors, before + batches.length, 'no layer is left');
    const differences = states.map((found, b) => {
      const { ids, rows, ...sizes } = batches[b]!;
      return tf.tidy(() => {
        const hidden = hiddenStates(decoder, ids, batchShape(decoder, sizes));
        const exact = gatherRows(hidden, int32(rows));
        return cast(exact, 'float32').sub(cast(found, 'float32')).abs().max().dataSync()[0]!;
      });
    });
    t.same(new Set(differences), new Set([0]));
    await parts.close();
    tf.dispose(states);
    disposeDecoder(decoder);
  });

t.test('a quantized teacher against its original, by source', async (t) => {
  const { at, dump, samples, lines } = await dumpScene(t, { config: { fidelity_sequences: 10 } });
  const config = teacherConfig.parse({ bits: 4, group_size: 64 });
  await makeTeacher({ config, model: at('teacher'), out: at('quantized') });
  const before = tf.memory().numTensors;
  const { manifest } = await dump({ teacher: at('quantized'), original: at('teacher') });
  t.equal(tf.memory().numTensors, before, 'no tensor is left');
  t.notOk(
    lines.some((line) => line.includes('original')),
    'nothing to be said',
  );
  const { even, odd, total } = (manifest!.statistics as LogitsStatistics).fidelity!;
  t.match([even!.sequences, odd!.sequences, total!.sequences], [5, 5, 10]);
  const [original, quantized] = await Promise.all(
    ['teacher', 'quantized'].map((name) => loadDecoder(at(name), { dtype: 'bfloat16' })),
  );
  const chosen = ['even', 'odd'].map((name) => samples.filter(({ source }) => source === name).slice(0, 5));
  const expected = chosen.map((sequences) => compare(original!, quantized!, sequences));
  for (const [i, found] of [even!, odd!].entries()) close(t, found, expected[i]!);
  const weighted = (of: 'kl' | 'agreement') =>
    expected.reduce((sum, one) => sum + one[of] * one.tokens, 0) /
    (expected[0]!.tokens + expected[1]!.tokens);
  const tokens = expected[0]!.tokens + expected[1]!.tokens;
  close(t, total!, { tokens, kl: weighted('kl'), agreement: weighted('agreement') });
  t.ok(expected[0]!.kl > 1e-4 && expected[0]!.agreement < 1, 'four bits are not nothing');
  disposeDecoder(original!);
  disposeDecoder(quantized!);
});

interface Comparison {
  tokens: number;
  kl: number;
  agreement: number;
}

function close(t: Test, found: Fidelity, { tokens, kl, agreement }: Comparison): void {
  t.equal(found.tokens, tokens);
  const off = Math.abs(found.kl_original_teacher! - kl) / kl;
  t.ok(off < 0.05, `KL(original || teacher) ${found.kl_original_teacher}, sequence by sequence ${kl}`);
  t.ok(Math.abs(found.top1_agreement! - agreement) < 0.02, `${found.top1_agreement} agree, ${agreement}`);
  t.ok(found.kl_live_cache! < 1e-3 && found.kl_live_cache! > -1e-6);
}

/** KL and agreement in float64, one sequence at a time. */
function compare(original: Decoder, quantized: Decoder, sequences: readonly Sample[]): Comparison {
  let [tokens, kl, agreement] = [0, 0, 0];
  for (const sample of sequences) {
    const [p, q] = [original, quantized].map((decoder) => logitsAtTargets(decoder, sample));
    p!.forEach((row, i) => {
      const [logP, logQ] = [logSoftmax(row), logSoftmax(q![i]!)];
      kl += logP.reduce((sum, log, id) => sum + Math.exp(log) * (log - logQ[id]!), 0);
      const first = (logs: number[]) => logs.indexOf(Math.max(...logs));
      agreement += Number(first(logP) === first(logQ));
    });
    tokens += p!.length;
  }
  return { tokens, kl: kl / tokens, agreement: agreement / tokens };
}

function logitsAtTargets(decoder: Decoder, sample: Sample): number[][] {
  return tf.tidy(() => {
    const { ids, rows, ...sizes } = paddedBatch([sample]);
    const hidden = hiddenStates(decoder, ids, batchShape(decoder, sizes));
    return logitsOf(gatherRows(hidden, int32(rows)), decoder).arraySync() as number[][];
  });
}

function logSoftmax(z: readonly number[]): number[] {
  const max = Math.max(...z);
  const logSumExp = max + Math.log(z.reduce((sum, value) => sum + Math.exp(value - max), 0));
  return z.map((value) => value - logSumExp);
}

t.test('without an original, and with a wrong one', async (t) => {
  const { at, dump, lines } = await dumpScene(t, { samples: randomSamples(6) });
  await dump({ original: at('teacher') });
  t.ok(lines.some((line) => /teacher is not quantized: there is no original/.test(line)));
  await makeTeacher({ config: teacherConfig.parse({}), model: at('teacher'), out: at('quantized') });
  const { manifest } = await dump({ teacher: at('quantized'), out: at('second') });
  t.match(lines.at(-1), /without --original the quantized teacher is not compared/);
  const { total } = (manifest!.statistics as LogitsStatistics).fidelity!;
  t.same(Object.keys(total!), ['sequences', 'tokens', 'kl_live_cache']);
  await makeTinyModel(at('other'), { seed: 3 });
  await t.rejects(dump({ teacher: at('quantized'), original: at('other'), out: at('third') }), {
    name: 'UserError',
    message: /other: fingerprint = "[0-9a-f]+": .*quantized was quantized from [0-9a-f]+; give the folder/,
  });
});

t.test('sequences are taken from each source in turn, and only the beginning of long ones', (t) => {
  const long = (i: number, masked: boolean) => {
    const mask = new Uint8Array(3000).fill(masked ? 1 : 0);
    mask[2999] = 1;
    return {
      ...sampleOf(
        Int32Array.from({ length: 3000 }, (_, j) => j + i),
        mask,
        i,
      ),
      source: 'long',
    };
  };
  const samples = [...randomSamples(3), long(0, false), long(1, true), long(2, true)];
  const chosen = fidelitySequences(samples, 5);
  t.same(
    chosen.map(({ id }) => id),
    [samples[0], samples[1], samples[4], samples[2], samples[5]].map((sample) => sample!.id),
  );
  t.equal(lossPositions(chosen.slice(2, 3)), 1023, 'one without targets in the beginning is passed over');
  t.same(fidelitySequences(samples, 0), []);
  t.end();
});
