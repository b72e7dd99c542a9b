// A model's tokenizer and chat template, from its Hugging Face folder. `tokenizers` is the Rust library Python uses, so
// ids are the same; `@huggingface/jinja` renders the templates. The template alone decides on special tokens of a chat,
// as in transformers, so rendered text is encoded without adding any.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { Tokenizer } from 'tokenizers';
import { fingerprint } from '../artifact/fingerprint.ts';
import { hasCode, messageOf, UserError } from '../config/userError.ts';

/** One turn of a conversation; `role` is `system`, `user`, `assistant` or what else the template knows. */
export interface ChatMessage {
  role: string;
  content: string;
}

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
  /**
   * The conversation as text.
   * @param addGenerationPrompt end with what opens the assistant's turn.
   * @throws UserError without a template; Error with the template's own words when it refuses the messages.
   */
  renderChat(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): string;
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
  const describe = (vocabulary: ReadonlyMap<string, number>) => vocabulary.get(token) ?? 'not in it';
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
  const text = await readText(folder, 'tokenizer.json');
  const { added_tokens = [] } = parseObject(folder, 'tokenizer.json', text) as {
    added_tokens?: { content: string; special: boolean }[];
  };
  const config = parseObject(
    folder,
    'tokenizer_config.json',
    await readText(folder, 'tokenizer_config.json'),
  );
  const map = await findObject(folder, 'special_tokens_map.json');
  return {
    text,
    addedTokens: added_tokens.filter(({ special }) => special).map(({ content }) => content),
    specialTokens: { ...specialTokensOf(map ?? {}), ...specialTokensOf(config) },
    template: await findTemplate(folder, config),
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

/** A file of its own comes before the entry in tokenizer_config.json, as in transformers. */
async function findTemplate(folder: string, config: Record<string, unknown>): Promise<string | undefined> {
  const alone = await findText(folder, 'chat_template.jinja');
  if (alone !== undefined) return alone;
  const wrapped = await findObject(folder, 'chat_template.json');
  const value = wrapped?.chat_template ?? config.chat_template;
  if (!Array.isArray(value)) return typeof value === 'string' ? value : undefined;
  const named = value as { name: string; template: string }[];
  return (named.find(({ name }) => name === 'default') ?? named[0])?.template;
}

function nativeTokenizer(folder: string, text: string): Tokenizer {
  try {
    const tokenizer = Tokenizer.fromString(text);
    tokenizer.disableTruncation();
    tokenizer.disablePadding();
    return tokenizer;
  } catch (error) {
    throw broken(folder, 'tokenizer.json', error);
  }
}

function chatRenderer(
  folder: string,
  { template, specialTokens }: Pick<Parts, 'template' | 'specialTokens'>,
): ChatTokenizer['renderChat'] {
  const compiled = template === undefined ? undefined : compile(folder, template);
  return (messages, { addGenerationPrompt = false } = {}) => {
    if (!compiled)
      throw new UserError({
        file: folder,
        problem: 'its tokenizer has no chat template',
        remedy: 'put one into chat_template.jinja, or take a chat model',
      });
    const tokens = { bos_token: '', eos_token: '', ...specialTokens };
    return compiled.render({
      ...tokens,
      messages,
      add_generation_prompt: addGenerationPrompt,
      fixed_date: fixedDate,
    });
  };
}

function compile(folder: string, template: string): Template {
  try {
    return new Template(`{%- set strftime_now = fixed_date -%}${template}`);
  } catch (error) {
    throw broken(folder, 'chat template', error);
  }
}

/** Stands in for today's date, with which a sample would be another one every day (it is Llama 3's own stand-in). */
function fixedDate(format: string): string {
  const parts: Record<string, string> = {
    '%Y': '2024', '%y': '24', '%m': '07', '%B': 'July', '%b': 'Jul', '%d': '26', '%A': 'Friday', '%a': 'Fri',
    '%H': '00', '%M': '00', '%S': '00',
  }; // prettier-ignore
  return format.replaceAll(/%[a-zA-Z]/g, (directive) => parts[directive] ?? directive);
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

async function readText(folder: string, name: string): Promise<string> {
  const text = await findText(folder, name);
  if (text !== undefined) return text;
  throw new UserError({
    file: join(folder, name),
    problem: 'no such file',
    remedy: 'a tokenizer folder holds tokenizer.json and tokenizer_config.json',
  });
}

async function findText(folder: string, name: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, name), 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function findObject(folder: string, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await findText(folder, name);
  return text === undefined ? undefined : parseObject(folder, name, text);
}

function parseObject(folder: string, name: string, text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw broken(folder, name, error);
  }
}

function broken(folder: string, name: string, error: unknown): UserError {
  return new UserError(
    { file: join(folder, name), problem: messageOf(error), remedy: 'fetch the model again' },
    { cause: error },
  );
}
