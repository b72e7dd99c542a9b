// The chat template of a model: where its folder keeps it, and conversations rendered with it as transformers does.
import { join } from 'node:path';
import { Template } from '@huggingface/jinja';
import { readJsonObject } from '../artifact/jsonFile.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { messageOf, UserError } from '../config/userError.ts';

/** One turn of a conversation; `role` is `system`, `user`, `assistant` or what else the template knows. */
export interface ChatMessage {
  role: string;
  content: string;
}

/**
 * The conversation as text.
 * @param addGenerationPrompt end with what opens the assistant's turn.
 * @throws UserError without a template; Error with the template's own words when it refuses the messages.
 */
export type RenderChat = (
  messages: readonly ChatMessage[],
  options?: { addGenerationPrompt?: boolean },
) => string;

/**
 * The template of a model folder, if it has one.
 * @param config content of tokenizer_config.json; a file of its own comes before its entry, as in transformers.
 */
export async function findChatTemplate(
  folder: string,
  config: Record<string, unknown>,
): Promise<string | undefined> {
  const alone = await findText(join(folder, 'chat_template.jinja'));
  if (alone !== undefined) return alone;
  const wrapped = await readJsonObject(join(folder, 'chat_template.json'));
  const value = wrapped?.chat_template ?? config.chat_template;
  if (!Array.isArray(value)) return typeof value === 'string' ? value : undefined;
  const named = value as { name: string; template: string }[];
  return (named.find(({ name }) => name === 'default') ?? named[0])?.template;
}

/** @param folder names the template in complaints */
export function chatRenderer(
  folder: string,
  { template, specialTokens }: { template: string | undefined; specialTokens: Record<string, string> },
): RenderChat {
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
    const problem = messageOf(error);
    throw new UserError(
      { file: join(folder, 'chat template'), problem, remedy: 'fetch the model again' },
      { cause: error },
    );
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
