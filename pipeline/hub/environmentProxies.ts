// The proxies that the environment names (HTTPS_PROXY, HTTP_PROXY, NO_PROXY, in capitals or not), as pip and Python's
// tools heed them. Node's fetch does so only from version 24 on and only when told; undici, which Node's fetch is made
// of, has the agent for it, and it serves the fetch of every version from 20 on.
import { UserError } from '../config/userError.ts';

const VARIABLES = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'];

let heeded: Promise<void> | undefined;

/**
 * From then on every `fetch` of this process goes through the proxies, if there are any.
 * @throws UserError naming a variable that is no address; its value is not shown, as it may hold a password.
 */
export function heedProxies(): Promise<void> {
  return (heeded ??= takeProxies());
}

async function takeProxies(): Promise<void> {
  const named = VARIABLES.filter((name) => process.env[name]);
  const wrong = named.find((name) => !/^https?:$/.test(protocolOf(process.env[name]!)));
  if (wrong !== undefined)
    throw new UserError({
      field: wrong,
      problem: 'not the address of a proxy',
      remedy: 'set it to something like http://proxy.example:3128, or unset it',
    });
  if (named.length === 0) return;
  const { EnvHttpProxyAgent, setGlobalDispatcher } = await import('undici');
  setGlobalDispatcher(new EnvHttpProxyAgent());
}

function protocolOf(address: string): string {
  return URL.canParse(address) ? new URL(address).protocol : '';
}
