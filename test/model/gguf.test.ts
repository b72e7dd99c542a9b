// GGUF files against the Python packages gguf, transformers and tokenizers (test/golden/gguf).
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GGMLQuantizationType as Ggml } from '@huggingface/gguf';
import t from 'tap';
import { Tokenizer } from 'tokenizers';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { tf } from '../../pipeline/engine/tensorflow.ts';
import { checkpointFromGguf } from '../../pipeline/model/ggufCheckpoint.ts';
import { dequantize, dequantizeToBfloat16, READABLE_TYPES } from '../../pipeline/model/ggufDequantize.ts';
import { openGguf } from '../../pipeline/model/ggufFile.ts';
import { tokenizerFromGguf } from '../../pipeline/model/ggufTokenizer.ts';
import { toBfloat16, toFloat32 } from '../../pipeline/model/halfPrecision.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { readModelConfig } from '../../pipeline/model/modelConfig.ts';
import { openSafetensors } from '../../pipeline/model/safetensors.ts';
import { readJson } from '../readJson.ts';
import { largestDifference, sequenceLogits } from '../real/decoderLogits.ts';

const GOLDEN = 'test/golden/gguf';
process.env.REDISTILL_CACHE = t.testdir();

t.test('every block format is dequantized bit for bit as the Python package does', async (t) => {
  const file = await openSafetensors(join(GOLDEN, 'blocks.safetensors'));
  t.teardown(file.close);
  for (const name of READABLE_TYPES.filter((type) => type !== 'F32')) {
    const { data } = await file.read(`${name}.bytes`);
    const values = dequantize(Ggml[name as keyof typeof Ggml], data);
    const expected = await file.read(`${name}.values`);
    t.ok(Buffer.from(values.buffer).equals(expected.data), name);
  }
});

const SUMS = readJson(join(GOLDEN, 'tiny.json')) as Record<string, string>;
for (const [name, sha256] of Object.entries(SUMS)) {
  t.test(`${name} has the weights that transformers reads`, async (t) => {
    const folder = await checkpointFromGguf(join(GOLDEN, `${name}.gguf`));
    t.equal(await sha256OfFile(join(folder, 'model.safetensors')), sha256);
    t.equal(await checkpointFromGguf(join(GOLDEN, `${name}.gguf`)), folder, 'found again in the cache');
  });

  t.test(`${name} gives the logits that transformers computes`, async (t) => {
    const golden = await openSafetensors(join(GOLDEN, 'logits.safetensors'));
    t.teardown(golden.close);
    const ids = new Int32Array((await golden.read('ids')).data.buffer);
    const expected = toFloat32(await golden.read(name));
    const decoder = await loadDecoder(await checkpointFromGguf(join(GOLDEN, `${name}.gguf`)), {
      dtype: 'float32',
    });
    const logits = sequenceLogits(decoder, ids).slice(-2);
    const found = Float32Array.from(logits.flatMap((row) => [...row]));
    const apart = largestDifference(found, expected);
    t.ok(apart < 1e-5, `apart by ${apart}`);
    disposeDecoder(decoder);
    t.equal(tf.memory().numTensors, 0);
  });
}

t.test('a large tensor is rounded piece by piece to the same values', async (t) => {
  const file = await openSafetensors(join(GOLDEN, 'blocks.safetensors'));
  t.teardown(file.close);
  const { data } = await file.read('Q5_1.bytes');
  const many = new Uint8Array(data.length * 1500).map((_, i) => data[i % data.length]!);
  t.ok(Buffer.from(dequantizeToBfloat16(Ggml.Q5_1, many)).equals(toBfloat16(dequantize(Ggml.Q5_1, many))));
});

t.test('config.json says what the metadata said', async (t) => {
  const llama = await readModelConfig(await checkpointFromGguf(join(GOLDEN, 'tiny-llama.gguf')));
  t.match(llama, {
    modelType: 'llama',
    vocabSize: 421,
    hiddenSize: 32,
    intermediateSize: 64,
    numHiddenLayers: 2,
    numAttentionHeads: 4,
    numKeyValueHeads: 2,
    headDim: 8,
    rmsNormEps: 1e-5,
    tieWordEmbeddings: true,
    bosTokenId: 0,
    eosTokenIds: [1],
    maxPositionEmbeddings: 4096,
  });
  const scaling = {
    type: 'llama3',
    factor: 8,
    lowFreqFactor: 1,
    highFreqFactor: 4,
    originalMaxPositionEmbeddings: 8192,
  };
  t.same(llama.rope, { theta: 500000, scaling });
  const qwen2 = await readModelConfig(await checkpointFromGguf(join(GOLDEN, 'tiny-qwen2.gguf')));
  t.match(qwen2, { modelType: 'qwen2', tieWordEmbeddings: false, rmsNormEps: 1e-6, numHiddenLayers: 1 });
  t.same(qwen2.rope, { theta: 1000000, scaling: { type: 'default' } });
});

interface TokenizerGolden {
  tokens: string[];
  token_type: number[];
  merges: string[];
  cases: Record<string, { text: string; ids: number[]; decoded: string }[]>;
}
const TOKENIZER = readJson(join(GOLDEN, 'tokenizers.json')) as TokenizerGolden;

function metadataWith(changes: Record<string, string | boolean>) {
  return {
    'general.architecture': 'llama',
    'llama.context_length': 64,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.tokens': TOKENIZER.tokens,
    'tokenizer.ggml.token_type': TOKENIZER.token_type,
    'tokenizer.ggml.merges': TOKENIZER.merges,
    'tokenizer.ggml.bos_token_id': 0,
    ...changes,
  };
}

for (const [pre, cases] of Object.entries(TOKENIZER.cases))
  t.test(`the pre-tokenizer ${pre} cuts as the reference does`, async (t) => {
    const metadata = metadataWith({ 'tokenizer.ggml.pre': pre });
    const json = JSON.stringify(tokenizerFromGguf({ path: 'x.gguf', metadata })['tokenizer.json']);
    const tokenizer = Tokenizer.fromString(json);
    for (const { text, ids, decoded } of cases) {
      t.same(
        (await tokenizer.encode(text, null, { addSpecialTokens: false })).getIds(),
        ids,
        JSON.stringify(text),
      );
      t.equal(await tokenizer.decode(ids, false), decoded);
    }
  });

t.test('the beginning token is put first where the metadata or the model family says so', async (t) => {
  const firstId = async (changes: Record<string, string | boolean>) => {
    const files = tokenizerFromGguf({ path: 'x.gguf', metadata: metadataWith(changes) });
    const tokenizer = Tokenizer.fromString(JSON.stringify(files['tokenizer.json']));
    return (await tokenizer.encode('a')).getIds()[0];
  };
  t.equal(await firstId({ 'tokenizer.ggml.pre': 'llama-bpe' }), 0);
  t.not(await firstId({ 'tokenizer.ggml.pre': 'llama-bpe', 'tokenizer.ggml.add_bos_token': false }), 0);
  t.not(await firstId({ 'tokenizer.ggml.pre': 'qwen2' }), 0);
  t.equal(await firstId({ 'tokenizer.ggml.pre': 'qwen2', 'tokenizer.ggml.add_bos_token': true }), 0);
});

t.test('an unknown pre-tokenizer or tokenizer model is refused by name', (t) => {
  const convert = (changes: Record<string, string>) => () =>
    tokenizerFromGguf({ path: 'x.gguf', metadata: metadataWith(changes) });
  t.throws(convert({ 'tokenizer.ggml.pre': 'tekken' }), {
    message: /x\.gguf: tokenizer\.ggml\.pre = "tekken": unknown pre-tokenizer; known: gpt-2, smollm/,
  });
  t.throws(convert({}), {
    message: /tokenizer\.ggml\.pre: missing, so it is not known how text is cut.*safetensors$/,
  });
  t.throws(convert({ 'tokenizer.ggml.pre': 'default', 'tokenizer.ggml.model': 'llama' }), {
    message: /tokenizer\.ggml\.model = "llama": only byte-level BPE/,
  });
  t.end();
});

t.test('a type that is not read is refused by tensor and name', async (t) => {
  const path = join(t.testdir(), 'tiny.gguf');
  const bytes = readFileSync(join(GOLDEN, 'tiny-llama.gguf'));
  const name = bytes.indexOf('blk.1.ffn_up.weight');
  for (const type of ['IQ4_XS', 'IQ2_XXS', 'TQ2_0', 'MXFP4', 'Q8_K'] as const) {
    bytes.writeUInt32LE(Ggml[type], name + 'blk.1.ffn_up.weight'.length + 4 + 2 * 8);
    writeFileSync(path, bytes);
    await t.rejects(openGguf(path), {
      name: 'UserError',
      message: new RegExp(
        `blk\\.1\\.ffn_up\\.weight = "${type}": this quantization is not read; take another file .*F32, F16, BF16, Q4_0`,
      ),
    });
  }
});

t.test('a file that is cut anywhere is refused by one line naming it', async (t) => {
  const path = join(t.testdir(), 'cut.gguf');
  const size = readFileSync(join(GOLDEN, 'tiny-llama.gguf')).length;
  for (let bytes = size - 1; bytes > 0; bytes -= 2011) {
    copyFileSync(join(GOLDEN, 'tiny-llama.gguf'), path);
    truncateSync(path, bytes);
    await t.rejects(
      openGguf(path),
      { name: 'UserError', message: /^\S*cut\.gguf: [^\n]+$/ },
      `${bytes} bytes`,
    );
  }
});
