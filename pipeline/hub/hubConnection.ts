// Where the Hub is and who asks, from the environment variables that Python's huggingface_hub reads, with its meanings:
// HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT.
// The token leaves this file only as a header, and only for the Hub's own address.
import { findText } from '../artifact/optionalFiles.ts';
import { UserError } from '../config/userError.ts';
import { heedProxies } from './environmentProxies.ts';
import { hubTokenFile } from './hubCache.ts';

export interface HubConnection {
  /** Address without a slash at its end. */
  endpoint: string;
  token: HubToken | undefined;
  /** Whether nothing may be asked of the Hub. */
  isOffline: boolean;
  /** Seconds without a byte after which a server counts as gone. */
  patience: number;
}

interface HubToken {
  text: string;
  /** The variable or file that it is from, for messages. */
  from: string;
}

const PATIENCE = 30;
const HUB = 'https://huggingface.co';

/** @throws UserError naming a variable that cannot be what it should; it never shows its value. */
export async function hubConnection(): Promise<HubConnection> {
  await heedProxies();
  const { HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE, HF_HUB_DOWNLOAD_TIMEOUT } = process.env;
  const endpoint = endpointOf(process.env.HF_ENDPOINT || HUB);
  const isOffline = /^(1|on|yes|true)$/i.test(HF_HUB_OFFLINE || TRANSFORMERS_OFFLINE || '');
  return {
    endpoint,
    token: isOffline ? undefined : await findToken(endpoint), // nobody is asked, so nobody needs to be told who asks
    isOffline,
    patience: patienceOf(HF_HUB_DOWNLOAD_TIMEOUT),
  };
}

/** The header that says who asks; none for any other address than the Hub's, such as the one its answers link to. */
export function authorization({ endpoint, token }: HubConnection, url: string): Record<string, string> {
  const isHub = new URL(url).origin === new URL(endpoint).origin;
  return isHub && token ? { authorization: `Bearer ${token.text}` } : {};
}

function patienceOf(text: string | undefined): number {
  if (!text) return PATIENCE;
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new UserError({
    ...{ field: 'HF_HUB_DOWNLOAD_TIMEOUT', value: text, problem: 'not a number of seconds above 0' },
    remedy: `unset it for ${PATIENCE}`,
  });
}

/** An address is not shown in the message, as it may hold a password. */
function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password)
    throw new UserError({
      field: 'HF_ENDPOINT',
      problem: 'not an address of a Hub',
      remedy: 'set it to something like https://huggingface.co, without user and password',
    });
  return text.replace(/\/+$/, '');
}

/** Mirrors give out tokens of their own forms; the Hub's have one. */
async function findToken(endpoint: string): Promise<HubToken | undefined> {
  const variable = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'].find((name) => process.env[name]?.trim());
  const from = variable ?? hubTokenFile();
  const text = (variable ? process.env[variable]! : ((await findText(from)) ?? '')).trim();
  if (text === '') return undefined;
  if (!/^[!-~]+$/.test(text))
    throw new UserError({ field: from, problem: 'a token is one word of ASCII characters' });
  if (new URL(endpoint).hostname === new URL(HUB).hostname && !/^hf_[\w.~+/=-]+$/.test(text))
    throw new UserError({ field: from, problem: 'a token of the Hub begins with "hf_" and is one word' });
  return { text, from };
}
