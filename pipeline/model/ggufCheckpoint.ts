// A GGUF file made into a Hugging Face model folder, once: everything downstream then reads one kind of model.
// The folder lies in the cache under the sha256 of the GGUF, so it is found again wherever the file is.
// A file of plain floats keeps its values. Quantized blocks become bfloat16: the precision those models were made in and
// are run in here, at half the bytes of float32, and far finer than the quantization was.
import { join } from 'node:path';
import { cachedFolder } from '../artifact/cacheFolder.ts';
import { fingerprint } from '../artifact/fingerprint.ts';
import { commitJson } from '../artifact/jsonFile.ts';
import { rememberedSha256 } from '../artifact/rememberedSha256.ts';
import { writeCheckpoint } from './checkpoint.ts';
import { ggufConfig, ggufShape, ggufTokenIds } from './ggufConfig.ts';
import { openGguf, type GgufFile } from './ggufFile.ts';
import { tokenizerFromGguf } from './ggufTokenizer.ts';
import { ggufWeights } from './ggufWeights.ts';

/** Raised whenever the same GGUF gives another folder. */
const CONVERTER_VERSION = 1;

/**
 * The Hugging Face folder of a GGUF file: config.json, generation_config.json, tokenizer files and safetensors.
 * @throws UserError naming the file and the tensor or field that cannot be read.
 */
export async function checkpointFromGguf(path: string): Promise<string> {
  const key = fingerprint([await rememberedSha256(path), CONVERTER_VERSION]);
  return cachedFolder({ kind: 'gguf', key }, async (folder) => {
    const file = await openGguf(path);
    try {
      await writeModelFolder(folder, file);
    } finally {
      await file.close();
    }
  });
}

async function writeModelFolder(folder: string, file: GgufFile): Promise<void> {
  const shape = ggufShape(file);
  const files = {
    'config.json': await ggufConfig(file, shape),
    'generation_config.json': { ...ggufTokenIds(file), _from_model_config: true },
    ...tokenizerFromGguf(file),
  };
  await writeCheckpoint(folder, { tensors: ggufWeights(file, shape) });
  for (const [name, content] of Object.entries(files)) await commitJson(join(folder, name), content);
}
