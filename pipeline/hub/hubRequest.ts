// One request to the Hub: who asks, how long silence is borne, and what is said when it is refused. Node's fetch follows
// redirects and, by its standard, leaves the Authorization header behind when one leads to another host.
import { authorization, type HubConnection } from './hubConnection.ts';
import { connectionFailure, HubError, nameOf, refusal, type HubRepository } from './hubErrors.ts';
import { retryRequest } from './retryRequest.ts';

export interface HubRequestOptions {
  hub: HubConnection;
  /** What is asked for, for messages. */
  repository: HubRepository;
  headers?: Record<string, string>;
  /** Ends the request early. */
  signal?: AbortSignal | undefined;
}

/**
 * Sends a GET request and gives the answer to `consume`, which calls `heard` with each sign of life.
 * @param consume gets an answer of success, or 416 for a range that is not there
 * @throws HubError
 */
export async function hubRequest<T>(
  url: string,
  { hub, repository, headers, signal }: HubRequestOptions,
  consume: (response: Response, heard: () => void) => Promise<T>,
): Promise<T> {
  if (hub.isOffline) throw notAsked(repository);
  const ending = new AbortController();
  const silence = () => {
    const problem = `${new URL(url).origin} sent nothing for ${hub.patience} s`;
    const remedy = 'run the same command again, or set HF_HUB_DOWNLOAD_TIMEOUT to more seconds';
    ending.abort(new HubError('cut', { file: nameOf(repository), problem, remedy }));
  };
  const timer = setTimeout(silence, 1000 * hub.patience);
  try {
    const response = await fetch(url, {
      headers: { ...authorization(hub, url), ...headers },
      signal: signal ? AbortSignal.any([ending.signal, signal]) : ending.signal,
    });
    timer.refresh();
    if (!response.ok && response.status !== 416) throw refusal(response, { hub, repository, url });
    return await consume(response, () => timer.refresh());
  } catch (error) {
    throw connectionFailure(error, { url, repository });
  } finally {
    clearTimeout(timer);
    ending.abort(); // what was not read of a refused answer
  }
}

function notAsked(repository: HubRepository): HubError {
  const problem = 'not in the cache, and the Hub may not be asked';
  const remedy = 'run the same command once without HF_HUB_OFFLINE';
  return new HubError('not_cached', { file: nameOf(repository), problem, remedy });
}

/** A `fetch` for @huggingface/hub: whole answers of success, asked for again when the Hub is busy or breaks off. */
export function hubFetch(
  options: HubRequestOptions & { notice: (line: string) => void },
): (url: string | URL | Request) => Promise<Response> {
  return (input) => {
    const url = input instanceof Request ? input.url : String(input);
    const whole = async (response: Response, heard: () => void) => {
      const { status, headers } = response;
      return new Response(await wholeBody(response, heard), { status, headers });
    };
    return retryRequest(() => hubRequest(url, options, whole), { notice: options.notice });
  };
}

/** All of an answer; `heard` is called with each part of it. */
export async function wholeBody(response: Response, heard: () => void): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    heard();
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** The address of a file of a repository. */
export function fileUrl(
  { hub, repository }: Pick<HubRequestOptions, 'hub' | 'repository'>,
  { commit, path }: { commit: string; path: string },
): string {
  const folder = repository.type === 'dataset' ? `${hub.endpoint}/datasets` : hub.endpoint;
  return `${folder}/${repository.name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`;
}
