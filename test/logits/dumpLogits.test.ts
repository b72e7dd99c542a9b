// The logits stage on tiny random models: what it stores, and what kills, other mixes, other teachers and bad input do.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import type { FileRecord } from '../../pipeline/artifact/commitFile.ts';
import { tf, type Tensor } from '../../pipeline/engine/tensorflow.ts';
import { openLogits } from '../../pipeline/logits/logitsCache.ts';
import type { LogitsStatistics } from '../../pipeline/logits/logitsStatistics.ts';
import { parseShare } from '../../pipeline/logits/share.ts';
import { targetPositions } from '../../pipeline/mix/batches.ts';
import type { Sample } from '../../pipeline/mix/tokensArrow.ts';
import { batchShape, hiddenStates, logitsOf } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { makeTeacher } from '../../pipeline/teacher/makeTeacher.ts';
import { teacherConfig } from '../../pipeline/teacher/teacherConfig.ts';
import { flipBit, sumsOf } from '../fileBytes.ts';
import { FIXTURES, without } from '../needs.ts';
import { readJson } from '../readJson.ts';
import { runStage, stageArguments } from '../runStage.ts';
import { randomSamples, sampleOf, writeTinyMix } from '../tinyMix.ts';
import { makeTinyModel } from '../tinyModel.ts';
import { CONFIG, dumpScene, shardRecords } from './dumpScene.ts';

process.env.REDISTILL_CACHE = t.testdir();

interface Golden {
  input_ids: number[][];
  lengths: number[];
  token_logprobs: number[][];
}

t.test('stored values are those of the full softmax', async (t) => {
  const config = { precision: 'float32' as const, temperatures: [2, 1], batch_tokens: 1 }; // alone, as live
  const { at, dump, samples } = await dumpScene(t, { model: { headRows: 320, dtype: 'BF16' }, config });
  const statistics = (await dump()).manifest!.statistics as LogitsStatistics;
  const cache = await openLogits(at('out'));
  t.same(cache.temperatures, [1, 2]);
  t.equal(cache.vocabularySize, 300, 'the padding of the head is cut off');
  const decoder = await loadDecoder(at('teacher'), { dtype: 'bfloat16' });
  let [worst, positions, kept] = [0, 0, 0];
  const faults: string[] = [];
  const tails: number[] = [];
  for (const sample of samples) {
    const [one, two] = [await cache.read(sample.id), await cache.read(sample.id, { temperature: 2 })];
    let end = 0;
    for (const [p, j] of targetPositions(sample).entries()) {
      const z = liveLogits(decoder, sample, j, 300);
      const [exact, soft] = [softmax(z, 1), softmax(z, 2)];
      const k = one.counts[p]!;
      const ids = one.ids.subarray(end, end + k);
      const tailOf = (p: Float64Array) => p.reduce((sum, q, id) => (ids.includes(id) ? sum : sum + q), 0);
      const differences = [
        ...Array.from(ids, (id, i) => one.logProbs[end + i]! - Math.log(exact.p[id]!)),
        one.logSumExp[p]! - exact.logSumExp,
        one.logTailMass[p]! - Math.log(tailOf(exact.p)),
        two.logSumExpAtTemperature[p]! - soft.logSumExp,
        two.logTailMass[p]! - Math.log(tailOf(soft.p)),
      ];
      worst = Math.max(worst, ...differences.map(Math.abs));
      const tail = tailOf(exact.p);
      tails.push(tail);
      const last = exact.p[ids[k - 1]!]!;
      if (k < 4 || k > 20) faults.push(`${k} tokens`);
      if (k < 20 && tail > 0.0501) faults.push(`${k} tokens leave ${tail}`);
      if (k > 4 && tail + last < 0.0499) faults.push(`${k - 1} tokens would leave ${tail + last}`);
      if (ids.some((id) => exact.p[id]! < last)) faults.push('not in order of probability');
      end += k;
      positions++;
    }
    kept += end;
  }
  t.same(faults, []);
  t.ok(worst < 1e-5, `largest difference ${worst}`);
  t.equal(statistics.total.tokens, positions);
  t.equal(statistics.total.mean_k, kept / positions);
  t.equal(statistics.sources.odd!.samples, 20);
  const { bytes_per_token, mean_tail_mass = NaN, p99_tail_mass = NaN } = statistics.total;
  const bytes = shardRecords(at('out')).reduce((sum, { shard }) => sum + shard.bytes, 0);
  t.ok(Math.abs(bytes_per_token - bytes / positions) < 1e-9, 'file size over loss positions');
  const p99 = tails.sort((a, b) => a - b)[Math.ceil(0.99 * positions) - 1]!;
  const mean = tails.reduce((sum, tail) => sum + tail, 0) / positions;
  t.ok(
    Math.abs(mean_tail_mass / mean - 1) < 1e-4,
    `mean tail mass ${mean_tail_mass}, of the softmax ${mean}`,
  );
  t.ok(Math.abs(p99_tail_mass / p99 - 1) < 1 / 1024, `p99 ${p99_tail_mass}, of the softmax ${p99}`);
  const { kl_live_cache = NaN, kl_original_teacher } = statistics.fidelity!.total!;
  t.ok(kl_live_cache >= -1e-7 && kl_live_cache < 1e-3, `KL(live || cache) ${kl_live_cache}`);
  t.equal(kl_original_teacher, undefined, 'the teacher is its own original');
  disposeDecoder(decoder);
  await cache.close();
});

const skip = without(FIXTURES);

t.test('log-probabilities of the next tokens are those of transformers in float32', { skip }, async (t) => {
  for (const name of ['tiny-qwen2-tied', 'tiny-llama3-rope-sharded', 'tiny-qwen2-untied-r1distill']) {
    const golden = readJson(`${FIXTURES}/${name}/goldens.json`) as Golden;
    const samples = golden.lengths.map((length, b) =>
      sampleOf(Int32Array.from(golden.input_ids[b]!.slice(0, length)), new Uint8Array(length).fill(1), b),
    );
    const { at, dump } = await dumpScene(t, { samples, config: { top_k: 1000, mass: 1 } });
    await dump({ teacher: `${FIXTURES}/${name}` });
    const cache = await openLogits(at('out'));
    let [worst, sum, count] = [0, 0, 0];
    for (const [b, { id, tokenIds }] of samples.entries()) {
      const { ids, logProbs, counts, logTailMass } = await cache.read(id);
      t.ok(
        counts.every((k) => k === cache.vocabularySize) && logTailMass.every((mass) => mass === -Infinity),
      );
      for (let p = 0; p < counts.length; p++) {
        const start = p * cache.vocabularySize;
        const place = ids.subarray(start, start + cache.vocabularySize).indexOf(tokenIds[p + 1]!);
        const difference = Math.abs(logProbs[start + place]! - golden.token_logprobs[b]![p]!);
        worst = Math.max(worst, difference);
        sum += difference;
        count++;
      }
    }
    t.ok(
      sum / count < 0.05 && worst < 0.2,
      `${name} in bfloat16: mean difference ${sum / count}, largest ${worst}`,
    );
    await cache.close();
  }
});

t.test('a quantized teacher goes by its manifest, and a damaged one is refused', async (t) => {
  const { at, dump } = await dumpScene(t);
  const config = teacherConfig.parse({ bits: 8, group_size: 64 });
  const { manifest: quantized } = await makeTeacher({ config, model: at('teacher'), out: at('quantized') });
  const { manifest } = await dump({ teacher: at('quantized') });
  t.equal(manifest!.inputs.teacher, quantized.fingerprint);
  await dump({ out: at('plain') });
  const [found, exact] = [await openLogits(at('out')), await openLogits(at('plain'))];
  const { id } = randomSamples(1)[0]!;
  const [a, b] = [await found.read(id), await exact.read(id)];
  const difference = Math.max(...a.logSumExp.map((value, p) => Math.abs(value - b.logSumExp[p]!)));
  t.ok(difference > 0 && difference < 0.2, `8 bits move the log-sum-exp by ${difference}`);
  await Promise.all([found.close(), exact.close()]);
  flipBit(at(`quantized/${quantized.files[0]!.file}`), -1);
  const message = /quantized\/.*has sha256 .*; run "make teacher"/;
  await t.rejects(dump({ teacher: at('quantized'), out: at('new') }), { name: 'UserError', message });
});

t.test('precision float16, a sample without targets, and no tensor left behind', async (t) => {
  const [first] = randomSamples(1);
  const idle = sampleOf(Int32Array.of(5, 6, 7), Uint8Array.of(1, 0, 0)); // nothing predicts the first token
  const { at, dump } = await dumpScene(t, { samples: [idle, first!] });
  const before = tf.memory().numTensors;
  await dump();
  t.equal(tf.memory().numTensors, before);
  const cache = await openLogits(at('out'));
  t.equal((await cache.read(idle.id)).counts.length, 0);
  t.equal((await cache.read(first!.id)).counts.length, targetPositions(first!).length);
  const { counts, logProbs, logTailMass } = await cache.read(first!.id);
  const mass = logProbs
    .subarray(0, counts[0])
    .reduce((sum, l) => sum + Math.exp(l), Math.exp(logTailMass[0]!));
  t.ok(Math.abs(mass - 1) < 2e-3, `probabilities add up to ${mass}`);
  await cache.close();
});

t.test('a killed run goes on, and ends with the same bytes', async (t) => {
  const { at, dump } = await dumpScene(t, { samples: randomSamples(300), config: { shard_tokens: 100 } });
  await dump({ out: at('whole') });
  const whole = sumsOf(at('whole'));
  await writeFile(at('logits.yaml'), JSON.stringify({ ...CONFIG, shard_tokens: 100 }));
  const flags = { config: at('logits.yaml'), mix: at('mix'), teacher: at('teacher'), out: at('out') };
  const child = spawn(process.execPath, stageArguments('logits', flags), { stdio: 'ignore' });
  const exit = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  while (child.exitCode === null && !someShardIn(at('out'))) await setTimeout(5);
  child.kill('SIGKILL');
  t.equal(await exit, 'SIGKILL');
  t.notOk(existsSync(at('out/manifest.json')), 'it was not through');
  const key = Object.keys(sumsOf(at('out')))[0]!.split('/')[0]!;
  const done = shardRecords(at('out'));
  t.ok(done.length > 0 && done.length < shardRecords(at('whole')).length, `${done.length} shards were done`);
  const timeOfFirst = statSync(at(`out/${key}/${done[0]!.shard.file}`)).mtimeMs;
  const { stdout } = await runStage('logits', flags);
  t.match(stdout, /^source .*\neven +150 .*\nodd +150 .*\ntotal +300 /);
  t.equal(statSync(at(`out/${key}/${done[0]!.shard.file}`)).mtimeMs, timeOfFirst, 'a finished shard is kept');
  t.same(sumsOf(at('out')), whole, 'after the kill');
  const { stdout: again } = await runStage('logits', flags);
  t.match(again, /up to date/);
});

t.test('a shard that is damaged, or was never recorded, is made again', async (t) => {
  const { at, dump } = await dumpScene(t);
  await dump();
  const whole = sumsOf(at('out'));
  const arrows = Object.keys(whole).filter((file) => file.endsWith('.arrow'));
  t.ok(arrows.length > 3);
  flipBit(at(`out/${arrows[0]!}`), 1000);
  rmSync(at(`out/${arrows[1]!.replace('.arrow', '.json')}`));
  writeFileSync(at(`out/${arrows[2]!}.tmp`), 'half a shard');
  writeFileSync(at(`out/${arrows[2]!}`), 'cut off');
  t.equal((await dump()).upToDate, false);
  t.same(sumsOf(at('out')), whole, 'mended');
  t.equal((await dump()).upToDate, true);
});

t.test('shares of several processes, finished by one', async (t) => {
  const { at, dump } = await dumpScene(t);
  await dump({ out: at('whole') });
  for (const part of [3, 1]) await dump({ share: { part, of: 3 } });
  t.ok(existsSync(at('out/manifest-3-of-3.json')));
  t.notOk(existsSync(at('out/manifest.json')));
  const shares = shardRecords(at('out')).length;
  const all = shardRecords(at('whole')).length;
  t.ok(shares < all && shares > all / 2, `${shares} of ${all} shards`);
  await dump();
  t.same(sumsOf(at('out')), sumsOf(at('whole')), 'two shares of three and a last run');
  for (const text of ['9/8', '0/8', '1', '1/0', 'a/b', '1/8/2'])
    t.throws(() => parseShare(text), {
      name: 'UserError',
      message: `--shard = "${text}": expected i/n with 1 <= i <= n, such as 1/8`,
    });
});

t.test('a changed mix: only what is missing is computed, and the way back costs nothing', async (t) => {
  const samples = randomSamples(140);
  const [before, after] = [samples.slice(0, 40), [...samples.slice(25)].reverse()];
  const { at, dump, lines } = await dumpScene(t, { samples: before });
  const { manifest: first } = await dump();
  const old = sumsOf(at('out'));
  await writeTinyMix(at('other'), { tokenizer: at('teacher'), samples: after });
  lines.length = 0;
  const { manifest: second } = await dump({ mix: at('other') });
  t.match(
    lines.findLast((line) => line.includes(' samples, ')),
    /^100\/100 samples/,
    'the teacher reads as many',
  );
  const made = shardRecords(at('out')).flatMap((record) =>
    first!.files.some(({ file }) => file.endsWith(record.shard.file)) ? [] : record.samples,
  );
  t.same(
    made.sort(),
    samples
      .slice(40)
      .map(({ id }) => id)
      .sort(),
    'the samples that were not there',
  );
  t.notSame(second!.fingerprint, first!.fingerprint);
  const cache = await openLogits(at('out'));
  for (const { id, lossMask, tokenIds } of after)
    t.equal(
      (await cache.read(id)).counts.length,
      targetPositions({ lossMask }).length,
      `${tokenIds.length} tokens`,
    );
  t.equal(cache.has(samples[0]!.id), filesHold(second!.files, samples[0]!.id, at('out')));
  await cache.close();
  const { manifest: third } = await dump();
  t.same(third, first);
  const now = sumsOf(at('out'));
  t.ok(
    Object.entries(old).every(([file, sum]) => now[file] === sum),
    'nothing old was touched',
  );
});

t.test('another teacher, and other parameters, have folders of their own', async (t) => {
  const { at, dump, lines } = await dumpScene(t);
  const { manifest: first } = await dump();
  await makeTinyModel(at('second'), { seed: 1 });
  const { manifest: second } = await dump({ teacher: at('second') });
  const { manifest: third } = await dump({ config: { ...CONFIG, top_k: 10 } });
  const folders = [first, second, third].map((manifest) => manifest!.files[0]!.file.split('/')[0]);
  t.equal(new Set(folders).size, 3);
  t.ok(
    [second, third].every((manifest) => manifest!.files.every(({ file }) => !file.startsWith(folders[0]!))),
  );
  lines.length = 0;
  const back = await dump();
  t.same(back.manifest, first);
  t.equal(back.upToDate, false);
  const computed = () => lines.filter((line) => line.includes(' samples, '));
  t.same(computed(), [], 'nothing was computed');
  await dump({ config: { ...CONFIG, batch_tokens: 100, head_block: 8 } });
  t.same(computed(), [], 'how it is computed is no reason to compute it again');
});

t.test('a teacher with other tokens is refused, naming the first', async (t) => {
  const { at, dump, lines } = await dumpScene(t);
  await makeTinyModel(at('student'), {});
  await cp(at('teacher'), at('swapped'), { recursive: true });
  const text = await readFile(at('swapped/tokenizer.json'), 'utf8');
  await writeFile(
    at('swapped/tokenizer.json'),
    text.replace('"<filler7>": 266', '"<filler7>": 270').replace('"<filler11>": 270', '"<filler11>": 266'),
  );
  await dump({ teacher: at('swapped') });
  t.match(lines[0], /the tokenizer of .*mix is not to be found: only the number of tokens is checked/);
  await writeSourcesOf(at('student'), at('sources.json'));
  const message =
    /swapped\/tokenizer\.json: not the vocabulary of the mix \(.*student\/tokenizer\.json\): token "<filler11>" is 266 in the one and 270 in the other; take/;
  await t.rejects(dump({ teacher: at('swapped'), out: at('refused') }), { name: 'UserError', message });
  t.notOk(existsSync(at('refused')), 'nothing is written');
  lines.length = 0;
  await rm(at('swapped/tokenizer.json'));
  await dump({ teacher: at('swapped'), out: at('unchecked') });
  t.match(lines[0], /swapped has no tokenizer.json: only the number of tokens is checked/);
  await makeTinyModel(at('small'), { vocabSize: 262 });
  await rm(at('small/tokenizer.json'));
  await t.rejects(dump({ teacher: at('small') }), {
    name: 'UserError',
    message: /mix: sample [0-9a-f]{32} = \d+: this token is not among the 262 of/,
  });
});

t.test('a template of its own does not make a teacher another family', async (t) => {
  const { at, dump, lines } = await dumpScene(t);
  await cp(at('teacher'), at('student'), { recursive: true });
  await writeSourcesOf(at('student'), at('sources.json'));
  const text = await readFile(at('teacher/tokenizer_config.json'), 'utf8');
  await writeFile(at('teacher/tokenizer_config.json'), text.replaceAll('<|im_start|>', '<|endoftext|>'));
  await dump();
  t.match(lines[0], /samples/, 'no notice');
});

t.test('NaN is named by sample and position', async (t) => {
  const samples = randomSamples(20, { vocabSize: 290 });
  const bad = sampleOf(Int32Array.of(8, 9, 10, 299, 11, 12, 13), Uint8Array.of(0, 0, 1, 1, 1, 0, 1));
  const edit = (name: string, values: Float32Array) => {
    if (name === 'model.embed_tokens.weight') values[299 * 64] = NaN;
  };
  const { at, dump } = await dumpScene(t, { samples: [...samples, bad], model: { tied: false, edit } });
  const message = `sample ${bad.id} (even), position 2: the teacher gives a logit that is NaN or infinite; `;
  // attention weighs a NaN that lies ahead with 0, which is NaN: the sample's first position shows it
  await t.rejects(dump(), {
    name: 'UserError',
    message: new RegExp(`^${message.replaceAll(/[()]/g, '\\$&')}`),
  });
  t.notOk(existsSync(at('out/manifest.json')));
});

t.test('a sample longer than the teacher reads is refused', async (t) => {
  const { dump } = await dumpScene(t, { model: { maxPositions: 16 } });
  const message =
    /config\.json: max_position_embeddings = 16: sample [0-9a-f]+ has \d+ tokens; set max_tokens in mix.yaml to 16/;
  await t.rejects(dump(), { name: 'UserError', message });
});

/** A sources.json in which teacher and student are one model. */
function writeSourcesOf(path: string, file: string): Promise<void> {
  const model = { reference: 'x', revision: null, path, fingerprint: 'x' };
  return writeFile(file, JSON.stringify({ formatVersion: 1, teacher: model, student: model, datasets: {} }));
}

function someShardIn(folder: string): boolean {
  return existsSync(folder) && shardRecords(folder).length > 0;
}

function filesHold(files: readonly FileRecord[], id: string, folder: string): boolean {
  return files.some(
    ({ file }) => file.endsWith('.json') && readFileSync(join(folder, file), 'utf8').includes(id),
  );
}

/** Float32 logits that predict token j of a sample run alone, over the first V tokens. */
function liveLogits(
  decoder: Awaited<ReturnType<typeof loadDecoder>>,
  { tokenIds }: Sample,
  j: number,
  V: number,
): Float32Array {
  const logits = tf.tidy(() => {
    const hidden = hiddenStates(decoder, tokenIds, batchShape(decoder, { B: 1, T: tokenIds.length }));
    return logitsOf(hidden, decoder).slice<Tensor>([j - 1, 0], [1, V]);
  });
  const values = logits.dataSync() as Float32Array;
  logits.dispose();
  return values;
}

function softmax(z: Float32Array, T: number): { p: Float64Array; logSumExp: number } {
  const max = z.reduce((a, b) => Math.max(a, b), -Infinity) / T;
  const total = z.reduce((sum, value) => sum + Math.exp(value / T - max), 0);
  const logSumExp = max + Math.log(total);
  return { logSumExp, p: Float64Array.from(z, (value) => Math.exp(value / T - logSumExp)) };
}
