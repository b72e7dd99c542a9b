// GSM8K as a mix with the split that a study needs: the first rows of the file to train on, its last ones held out. The
// stage `mix` draws both by its seed; all else is as it makes them, the loss on the response alone.
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { writeManifest } from '../../pipeline/artifact/manifest.ts';
import { UserError } from '../../pipeline/config/userError.ts';
import { readRows, type Row } from '../../pipeline/mix/readRows.ts';
import { loadTokenizer, tokenizerFingerprint } from '../../pipeline/mix/tokenizer.ts';
import { mixFormatVersion, writeTokens, type Sample } from '../../pipeline/mix/tokensArrow.ts';
import { sampleEncoder, sampleText, type Rejected } from '../../pipeline/mix/trainingSample.ts';

const RULES = { max_tokens: 4096, overlength: 'drop', min_response_tokens: 1, loss_on: 'response' } as const;

export interface Gsm8kSplit {
  /** JSON lines with question and answer. */
  data: string;
  /** Rows to train on, from the first. */
  train: number;
  /** Rows to hold out, up to the last. */
  heldOut: number;
}

/**
 * Writes tokens.arrow and manifest.json, as readMix wants them.
 * @throws UserError for a file with too few rows, or a row that gives no sample
 */
export async function writeGsm8kMix(
  folder: string,
  { data, train, heldOut, tokenizer: tokenizerFolder }: Gsm8kSplit & { tokenizer: string },
): Promise<void> {
  const all: Row[] = [];
  for await (const rows of readRows(data)) all.push(...rows);
  if (all.length < train + heldOut)
    throw new UserError({ file: data, problem: `${all.length} rows, ${train + heldOut} are wanted` });
  const encode = await rowEncoder(tokenizerFolder, data);
  const samples = [
    ...(await encode(all.slice(0, train), 'train')),
    ...(await encode(all.slice(-heldOut), 'held_out')),
  ];
  const files = [await writeTokens(folder, samples)];
  const plan = {
    kind: 'mix' as const,
    formatVersion: mixFormatVersion,
    inputs: {
      tokenizer: await tokenizerFingerprint(tokenizerFolder),
      'dataset.gsm8k': await sha256OfFile(data),
    },
    parameters: { ...RULES, train, held_out: heldOut },
  };
  await writeManifest(folder, plan, { files });
}

async function rowEncoder(tokenizerFolder: string, file: string) {
  const tokenizer = await loadTokenizer(tokenizerFolder);
  const encode = await sampleEncoder(tokenizer, RULES);
  const refused = (field: string, { reason }: Rejected) => new UserError({ file, field, problem: reason });
  return async (rows: readonly Row[], split: Sample['split']): Promise<Sample[]> => {
    const texts = rows.map(({ question, answer }) => {
      const prompt = [{ role: 'user', content: String(question) }];
      const text = sampleText({ prompt, response: String(answer) }, { tokenizer, systemPrompt: null });
      if ('reason' in text) throw refused(String(question), text);
      return text;
    });
    return (await encode(texts)).map((sample, i) => {
      if ('reason' in sample) throw refused(String(rows[i]!.question), sample);
      return { ...sample, source: 'gsm8k', split };
    });
  };
}
