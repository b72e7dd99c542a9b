// A model's tokenizer and chat template, from its Hugging Face folder. `tokenizers` is the Rust library Python uses, so
// ids are the same; `@huggingface/jinja` renders the templates. The template alone decides on special tokens of a chat,
// as in transformers, so rendered text is encoded without adding any.
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { fingerprint } from '../artifact/fingerprint.ts';
import { parseJsonObject, readJsonObject } from '../artifact/jsonFile.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { messageOf, UserError } from '../config/userError.ts';
import { chatRenderer, findChatTemplate, type RenderChat } from './chatTemplate.ts';

/** A loaded tokenizer. Nothing in it changes after loading. */
export interface ChatTokenizer {
  /** Ids there are, added tokens included; a model's embedding may have more rows. */
  vocabularySize: number;
  /** Token text (in the byte-level alphabet) to id, added tokens included. */
  vocabulary: ReadonlyMap<string, number>;
  bosToken: string | undefined;
  eosToken: string | undefined;
  /** @param addSpecialTokens what tokenizer.json's post-processor adds, such as a leading BOS (default: nothing). */
  encode(text: string, options?: { addSpecialTokens?: boolean }): Promise<number[]>;
  /** `encode` of many texts on all cores; in the order given. */
  encodeBatch(texts: string[], options?: { addSpecialTokens?: boolean }): Promise<number[][]>;
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): Promise<string>;
  renderChat: RenderChat;
  /** As the model's folder has it. */
  chatTemplate: string | undefined;
  /** The token that the template puts after an assistant message. */
  endOfTurn(): string;
}

/**
 * Loads the tokenizer of a model folder: tokenizer.json, tokenizer_config.json, and, where they exist,
 * special_tokens_map.json, chat_template.jinja, chat_template.json.
 * @throws UserError naming the missing or broken file.
 */
export async function loadTokenizer(folder: string): Promise<ChatTokenizer> {
  const { text, addedTokens, specialTokens, template } = await readParts(folder);
  const tokenizer = nativeTokenizer(folder, text);
  const vocabulary = new Map(Object.entries(tokenizer.getVocab(true)));
  const renderChat = chatRenderer(folder, { template, specialTokens });
  return {
    vocabularySize: vocabulary.size,
    vocabulary,
    bosToken: specialTokens.bos_token,
    eosToken: specialTokens.eos_token,
    renderChat,
    chatTemplate: template,
    endOfTurn: () => endOfTurn(folder, { renderChat, addedTokens, eosToken: specialTokens.eos_token }),
    encode: async (content, { addSpecialTokens = false } = {}) =>
      (await tokenizer.encode(content, null, { addSpecialTokens })).getIds(),
    encodeBatch: async (texts, { addSpecialTokens = false } = {}) =>
      (await tokenizer.encodeBatch(texts, { addSpecialTokens })).map((encoding) => encoding.getIds()),
    decode: (ids, { skipSpecialTokens = false } = {}) => tokenizer.decode(Array.from(ids), skipSpecialTokens),
  };
}

/** Names what makes token ids of a conversation: tokenizer.json, the chat template and the special tokens. */
export async function tokenizerFingerprint(folder: string): Promise<string> {
  const { text, specialTokens, template } = await readParts(folder);
  return fingerprint({ tokenizer: text, specialTokens, template: template ?? null });
}

/** Whether two tokenizers give every token the same id, as sharing logits demands; names the first that differs. */
export function sameVocabulary(
  a: Pick<ChatTokenizer, 'vocabulary'>,
  b: Pick<ChatTokenizer, 'vocabulary'>,
): { same: true } | { same: false; difference: string } {
  const differing = [...differences(a.vocabulary, b.vocabulary), ...differences(b.vocabulary, a.vocabulary)];
  if (differing.length === 0) return { same: true };
  const token = differing.reduce((first, other) => (other.id < first.id ? other : first)).token;
  const describe = (vocabulary: ReadonlyMap<string, number>) => vocabulary.get(token) ?? 'missing';
  return {
    same: false,
    difference: `token ${JSON.stringify(token)} is ${describe(a.vocabulary)} in the one and ${describe(b.vocabulary)} in the other`,
  };
}

/** The tokens of `a` that `b` lacks or numbers otherwise, with their id in `a`. */
function differences(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
): { token: string; id: number }[] {
  return [...a].filter(([token, id]) => b.get(token) !== id).map(([token, id]) => ({ token, id }));
}

interface Parts {
  /** tokenizer.json */
  text: string;
  /** Content of the added tokens that are special (control tokens). */
  addedTokens: string[];
  /** `bos_token`, `eos_token` and so on, as templates name them. */
  specialTokens: Record<string, string>;
  template: string | undefined;
}

async function readParts(folder: string): Promise<Parts> {
  const [tokenizerFile, configFile] = [join(folder, 'tokenizer.json'), join(folder, 'tokenizer_config.json')];
  const text = (await findText(tokenizerFile)) ?? missing(tokenizerFile);
  const { added_tokens = [] } = parseJsonObject(text, tokenizerFile) as {
    added_tokens?: { content: string; special: boolean }[];
  };
  const config = (await readJsonObject(configFile)) ?? missing(configFile);
  const map = (await readJsonObject(join(folder, 'special_tokens_map.json'))) ?? {};
  return {
    text,
    addedTokens: added_tokens.filter(({ special }) => special).map(({ content }) => content),
    specialTokens: { ...specialTokensOf(map), ...specialTokensOf(config) },
    template: await findChatTemplate(folder, config),
  };
}

/** The members `…_token`, which are a string or an object with the string in `content`. */
function specialTokensOf(config: Record<string, unknown>): Record<string, string> {
  const named = Object.entries(config).filter(([key]) => key.endsWith('_token'));
  return Object.fromEntries(
    named.flatMap(([key, value]) => {
      const content = (value as { content?: unknown } | null)?.content ?? value;
      return typeof content === 'string' ? [[key, content]] : [];
    }),
  );
}

function nativeTokenizer(folder: string, text: string): Tokenizer {
  try {
    const tokenizer = Tokenizer.fromString(text);
    tokenizer.disableTruncation();
    tokenizer.disablePadding();
    return tokenizer;
  } catch (error) {
    const problem = messageOf(error);
    throw new UserError(
      { file: join(folder, 'tokenizer.json'), problem, remedy: 'fetch the model again' },
      { cause: error },
    );
  }
}

function endOfTurn(
  folder: string,
  {
    renderChat,
    addedTokens,
    eosToken,
  }: Pick<ChatTokenizer, 'renderChat' | 'eosToken'> & Pick<Parts, 'addedTokens'>,
): string {
  const probe = 'ANSWER';
  const rendered = renderChat([
    { role: 'user', content: 'QUESTION' },
    { role: 'assistant', content: probe },
  ]);
  const after = rendered.slice(rendered.lastIndexOf(probe) + probe.length);
  const following = addedTokens
    .filter((token) => after.includes(token))
    .sort((a, b) => after.indexOf(a) - after.indexOf(b) || b.length - a.length);
  const token = following[0] ?? eosToken;
  if (token !== undefined) return token;
  throw new UserError({
    file: folder,
    problem: 'neither its chat template nor tokenizer_config.json (eos_token) says what ends an answer',
  });
}

function missing(file: string): never {
  throw new UserError({
    file,
    problem: 'no such file',
    remedy: 'a tokenizer folder holds tokenizer.json and tokenizer_config.json',
  });
}
