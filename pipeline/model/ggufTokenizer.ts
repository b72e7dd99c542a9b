// The tokenizer of a GGUF file as Hugging Face's tokenizer.json and tokenizer_config.json.
// GGUF keeps vocabulary and merges but only a name for how text is cut into words before them
// (`tokenizer.ggml.pre`); the definitions behind the names are those of the models' own tokenizer.json.
// A wrong one would tokenize nearly everything right and some texts wrong, so an unknown name is refused.
import { z } from 'zod';
import type { Json } from '../artifact/fingerprint.ts';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import type { GgufFile } from './ggufFile.ts';

/** Contents of the two files. */
export interface TokenizerFiles {
  'tokenizer.json': object;
  'tokenizer_config.json': object;
}

/**
 * Rebuilds the tokenizer from the metadata.
 * @throws UserError for a tokenizer that is not byte-level BPE or has an unknown pre-tokenizer.
 */
export function tokenizerFromGguf({ path, metadata }: Pick<GgufFile, 'path' | 'metadata'>): TokenizerFiles {
  const given = validate(metadataSchema, metadata, () => path);
  const pre = given['tokenizer.ggml.pre'];
  const cutting = CUTTING[pre ?? ''];
  if (!cutting)
    throw new UserError({
      file: path,
      field: 'tokenizer.ggml.pre',
      value: pre,
      ...(pre === undefined
        ? {
            problem: 'missing, so it is not known how text is cut into words',
            remedy: "take a file of a newer converter, or the model's safetensors",
          }
        : { problem: 'unknown pre-tokenizer', remedy: `known: ${Object.keys(CUTTING).join(', ')}` }),
    });
  const added = addedTokens(given);
  const contextLength = metadata[`${String(metadata['general.architecture'])}.context_length`];
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: cutting.normalizer ?? null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: cutting.steps },
      post_processor: postProcessor(given, cutting),
      decoder: { ...byteLevel({ splits: true }), add_prefix_space: true },
      model: bytePairModel(given, cutting),
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
      ...specialTokens(given),
      clean_up_tokenization_spaces: false,
      model_max_length: Number(contextLength),
      chat_template: given['tokenizer.chat_template'],
    },
  };
}

const tokenId = z.int().nonnegative().optional();
const metadataSchema = z.looseObject({
  'tokenizer.ggml.model': z.literal('gpt2', { error: 'only byte-level BPE tokenizers ("gpt2") are read' }),
  'tokenizer.ggml.pre': z.string().optional(),
  'tokenizer.ggml.tokens': z.array(z.string()),
  'tokenizer.ggml.token_type': z.array(z.int()),
  'tokenizer.ggml.merges': z.array(z.string()),
  'tokenizer.ggml.bos_token_id': tokenId,
  'tokenizer.ggml.eos_token_id': tokenId,
  'tokenizer.ggml.unknown_token_id': tokenId,
  'tokenizer.ggml.padding_token_id': tokenId,
  'tokenizer.ggml.add_bos_token': z.boolean().optional(),
  'tokenizer.chat_template': z.string().optional(),
});
type Given = z.infer<typeof metadataSchema>;

/** llama.cpp's token types that matter here (llama_token_type in llama.h). */
const CONTROL = 3;
const USER_DEFINED = 4;
const UNUSED = 5;

interface Cutting {
  normalizer?: Json;
  steps: Json[];
  /** A word that is a token as a whole is taken without looking at the merges. */
  ignoreMerges?: boolean;
  /** The beginning token is put first unless the metadata says otherwise. */
  addsBos?: boolean;
}

const QWEN2: Cutting = {
  normalizer: { type: 'NFC' },
  steps: [splitOff(wordPattern('\\p{N}')), byteLevel({ splits: false })],
};

const LLAMA3: Cutting = {
  steps: [splitOff(wordPattern('\\p{N}{1,3}')), byteLevel({ splits: false })],
  ignoreMerges: true,
  addsBos: true,
};

/** How text is cut, by llama.cpp's names. */
const CUTTING: Partial<Record<string, Cutting>> = {
  'gpt-2': { steps: [byteLevel({ splits: true })] },
  smollm: { steps: [{ type: 'Digits', individual_digits: true }, byteLevel({ splits: true })] },
  qwen2: QWEN2,
  'deepseek-r1-qwen': { ...QWEN2, addsBos: true },
  'llama-bpe': LLAMA3,
  llama3: LLAMA3,
  'llama-v3': LLAMA3,
};

/** The word pattern that Llama 3 and Qwen2 share but for how many digits make a word. */
function wordPattern(digits: string): string {
  return `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
}

function splitOff(pattern: string): Json {
  return { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
}

/** Bytes as printable characters; with `splits`, also cut by GPT-2's own pattern. */
function byteLevel({ splits }: { splits: boolean }) {
  return { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: splits };
}

function bytePairModel(given: Given, { ignoreMerges = false }: Cutting): Json {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: ignoreMerges,
    vocab: vocabulary(given),
    merges: given['tokenizer.ggml.merges'],
  };
}

/** Puts the beginning token before each text, for the models that want it. */
function postProcessor(given: Given, { addsBos = false }: Cutting): Json {
  const id = given['tokenizer.ggml.bos_token_id'];
  const piece = id === undefined ? undefined : given['tokenizer.ggml.tokens'][id];
  if (!(given['tokenizer.ggml.add_bos_token'] ?? addsBos) || id === undefined || piece === undefined)
    return null;
  const bos = (type_id: number): Json => ({ SpecialToken: { id: piece, type_id } });
  const text = (name: string, type_id: number): Json => ({ Sequence: { id: name, type_id } });
  return {
    type: 'TemplateProcessing',
    single: [bos(0), text('A', 0)],
    pair: [bos(0), text('A', 0), bos(1), text('B', 1)],
    special_tokens: { [piece]: { id: piece, ids: [id], tokens: [piece] } },
  };
}

/** Tokens found in the text before it is cut: control tokens (special) and those the model's makers added. */
function addedTokens(given: Given) {
  const types = given['tokenizer.ggml.token_type'];
  return given['tokenizer.ggml.tokens'].flatMap((content, id) => {
    if (types[id] !== CONTROL && types[id] !== USER_DEFINED) return [];
    const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content, ...plain, special: types[id] === CONTROL }];
  });
}

/** Piece -> id, without the rows that only pad the embedding matrix. */
function vocabulary(given: Given): Record<string, number> {
  const types = given['tokenizer.ggml.token_type'];
  return Object.fromEntries(
    given['tokenizer.ggml.tokens'].flatMap((piece, id) =>
      types[id] === UNUSED ? [] : [[piece, id] as const],
    ),
  );
}

function specialTokens(given: Given): Record<string, Json | undefined> {
  const piece = (id: number | undefined) =>
    id === undefined ? undefined : given['tokenizer.ggml.tokens'][id];
  return {
    bos_token: piece(given['tokenizer.ggml.bos_token_id']),
    eos_token: piece(given['tokenizer.ggml.eos_token_id']),
    unk_token: piece(given['tokenizer.ggml.unknown_token_id']),
    pad_token: piece(given['tokenizer.ggml.padding_token_id']),
  };
}
