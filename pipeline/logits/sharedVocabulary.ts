// The tokens that teacher and mix share. Logits are found by token number, so they must be the same, number by number;
// chat templates may differ, and heads may be padded beyond what the tokenizer knows.
import { readdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Manifest } from '../artifact/manifest.ts';
import { UserError } from '../config/userError.ts';
import { readSources } from '../hub/sourcesFile.ts';
import { loadTokenizer, sameVocabulary, tokenizerFingerprint, type ChatTokenizer } from '../mix/tokenizer.ts';
import type { Sample } from '../mix/tokensArrow.ts';
import type { Teacher } from './describeTeacher.ts';

/** A mix and where it lies. */
export interface LocatedMix {
  folder: string;
  manifest: Manifest;
  samples: readonly Sample[];
}

/**
 * How many tokens the teacher's distributions are over: those of its tokenizer, as heads are often padded beyond.
 * @param notice told what could not be checked
 * @throws UserError naming the first token on which teacher and mix differ.
 */
export async function sharedVocabulary(
  teacher: Teacher,
  mix: LocatedMix,
  notice: (line: string) => void,
): Promise<number> {
  const { vocabSize } = teacher.config;
  const tokenizer = await findTokenizer(teacher.folder);
  if (!tokenizer) notice(`${teacher.folder} has no tokenizer.json: only the number of tokens is checked`);
  else if ((await tokenizerFingerprint(teacher.folder)) !== mix.manifest.inputs.tokenizer)
    await compareTokenizers(teacher.folder, tokenizer, { mix, notice });
  const vocabularySize = tokenizer ? Math.min(vocabSize, lastId(tokenizer) + 1) : vocabSize;
  refuseUnknownTokens(mix, vocabularySize, teacher.folder);
  return vocabularySize;
}

async function findTokenizer(folder: string): Promise<ChatTokenizer | undefined> {
  return (await readdir(folder)).includes('tokenizer.json') ? loadTokenizer(folder) : undefined;
}

/** The mix keeps only its tokenizer's fingerprint, which covers the chat template too: its vocabulary has to be found. */
async function compareTokenizers(
  teacherFolder: string,
  tokenizer: ChatTokenizer,
  { mix, notice }: { mix: LocatedMix; notice: (line: string) => void },
): Promise<void> {
  const folder = await tokenizerFolderOf(mix);
  if (folder === undefined)
    return notice(`the tokenizer of ${mix.folder} is not to be found: only the number of tokens is checked`);
  const result = sameVocabulary(tokenizer, await loadTokenizer(folder));
  if (!result.same)
    throw new UserError({
      file: join(teacherFolder, 'tokenizer.json'),
      problem: `not the vocabulary of the mix (${join(folder, 'tokenizer.json')}): ${result.difference}`,
      remedy: 'take teacher and student of one family, or make the mix with the tokenizer of the teacher',
    });
}

/** The model of the mix's recipe that has its tokenizer. */
async function tokenizerFolderOf({ folder, manifest }: LocatedMix): Promise<string | undefined> {
  const sources = await readSources(dirname(resolve(folder)));
  for (const { path } of sources ? [sources.student, sources.teacher] : [])
    if ((await tokenizerFingerprint(path)) === manifest.inputs.tokenizer) return path;
  return undefined;
}

function lastId({ vocabulary }: ChatTokenizer): number {
  let last = -1;
  for (const id of vocabulary.values()) last = Math.max(last, id);
  return last;
}

function refuseUnknownTokens(
  { folder, samples }: LocatedMix,
  vocabularySize: number,
  teacherFolder: string,
): void {
  for (const { id, tokenIds } of samples) {
    const unknown = tokenIds.find((token) => token < 0 || token >= vocabularySize);
    if (unknown !== undefined)
      throw new UserError({
        file: folder,
        field: `sample ${id}`,
        value: unknown,
        problem: `this token is not among the ${vocabularySize} of ${teacherFolder}`,
        remedy: 'make the mix with the tokenizer of the teacher',
      });
  }
}
