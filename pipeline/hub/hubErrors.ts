// What went wrong at the Hub, as one line, and of a kind that says whether to ask again or to take what the cache holds.
// The Hub explains a refusal in the headers X-Error-Code and X-Error-Message; a missing repository and a private one
// are answered alike, so as to tell nothing.
import { messageOf, UserError, type Complaint } from '../config/userError.ts';
import type { HubConnection } from './hubConnection.ts';

/**
 * absent: nobody answers at the address; cut: the connection broke or fell silent; busy: the server asks for patience;
 * no_revision: the repository has no such branch; not_cached: offline, and the cache lacks it; refused: all else.
 */
export type FailureKind = 'absent' | 'cut' | 'busy' | 'no_revision' | 'not_cached' | 'refused';

export class HubError extends UserError {
  readonly kind: FailureKind;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(
    kind: FailureKind,
    complaint: Complaint | string,
    { retryAfter, ...options }: ErrorOptions & { retryAfter?: number | undefined } = {},
  ) {
    super(complaint, options);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

export function isHubError(error: unknown, ...kinds: FailureKind[]): error is HubError {
  return error instanceof HubError && kinds.includes(error.kind);
}

/** A repository, as `field` of sources.yaml names it. */
export interface HubRepository {
  type: 'model' | 'dataset';
  name: string;
  /** Branch, tag or commit. */
  revision?: string;
}

/** How messages name a repository. */
export function nameOf({ name, revision = 'main' }: HubRepository): string {
  return `${name}@${revision}`;
}

/** A connection that there was; all other failures are of making one. */
const BROKE_OFF = /ECONNRESET|EPIPE|UND_ERR_(?!CONNECT)|other side closed|terminated/;

/** What `fetch` throws of itself, as a HubError; any other error as it is. */
export function connectionFailure(
  error: unknown,
  { url, repository }: { url: string; repository: HubRepository },
): unknown {
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return error;
  const { cause } = error;
  const reason = messageOf(cause) || ('code' in cause ? String(cause.code) : cause.name);
  const isCut = BROKE_OFF.test(`${reason} ${'code' in cause ? String(cause.code) : ''}`);
  const problem = `${new URL(url).origin} ${isCut ? 'broke off' : 'cannot be reached'} (${reason})`;
  const remedy = isCut
    ? 'run the same command again'
    : 'check the network, set HTTPS_PROXY if a proxy leads out of it, or name a mirror in HF_ENDPOINT';
  return new HubError(
    isCut ? 'cut' : 'absent',
    { file: nameOf(repository), problem, remedy },
    { cause: error },
  );
}

/** What an answer that is not the wanted one says. */
export function refusal(
  response: Response,
  { hub, repository, url }: { hub: HubConnection; repository: HubRepository; url: string },
): HubError {
  const { status, headers } = response;
  const file = nameOf(repository);
  const said = headers.get('x-error-message') ?? '';
  const server = new URL(response.url || url).origin;
  if (status === 408 || status === 429 || status >= 500) {
    const problem = `${server} answered HTTP ${status}${status === 429 ? ' (too many requests)' : ''}`;
    const retryAfter = secondsToWait(headers);
    return new HubError(
      'busy',
      { file, problem, remedy: 'run the same command again later' },
      { retryAfter },
    );
  }
  if (headers.get('x-error-code') === 'RevisionNotFound')
    return new HubError('no_revision', {
      file,
      problem: 'no such revision',
      remedy: 'check the branch, tag or commit after "@"',
    });
  const explained = explain({ status, code: headers.get('x-error-code'), said, hub, repository });
  return new HubError(
    'refused',
    explained
      ? { file, ...explained }
      : { file, problem: `${server} answered HTTP ${status} ${said}`.trim() },
  );
}

interface Refusal {
  status: number;
  code: string | null;
  said: string;
  hub: HubConnection;
  repository: HubRepository;
}

function explain({ status, code, said, hub, repository }: Refusal): Complaint | undefined {
  const { endpoint, token } = hub;
  const { type, name } = repository;
  const page = `${endpoint}/${type === 'dataset' ? 'datasets/' : ''}${name}`;
  if (code === 'GatedRepo')
    return token
      ? {
          problem: `a gated ${type}, not yet open to the account of ${token.from}`,
          remedy: `ask for access on ${page}`,
        }
      : {
          problem: `a gated ${type}`,
          remedy: `accept its terms on ${page} and set HF_TOKEN (or run "hf auth login")`,
        };
  if (/resource is disabled/.test(said))
    return { problem: `this ${type} is disabled on the Hub`, remedy: `see ${page}` };
  if (status === 401 && token && (/Invalid (credentials|username)/.test(said) || code !== 'RepoNotFound'))
    return {
      problem: `the Hub does not know the token of ${token.from}`,
      remedy: `make one on ${endpoint}/settings/tokens`,
    };
  if (code === 'EntryNotFound') return { problem: 'listed by the Hub, but not there', remedy: `see ${page}` };
  if (status !== 401 && code !== 'RepoNotFound') return undefined;
  return token
    ? {
        problem: `no such ${type}, or a private one`,
        remedy: `check the name, and that the account of ${token.from} may read it`,
      }
    : {
        problem: `no such ${type}, or a private one`,
        remedy: 'check the name; for a private one set HF_TOKEN',
      };
}

/** Retry-After in seconds or as a date, or the Hub's own `RateLimit: "api";r=0;t=55`. */
function secondsToWait(headers: Headers): number | undefined {
  const after = headers.get('retry-after');
  if (after !== null) {
    const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
    if (Number.isFinite(seconds)) return Math.max(0, seconds);
  }
  const [, reset] = /;\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)/.exec(headers.get('ratelimit') ?? '') ?? [];
  return reset === undefined ? undefined : Number(reset);
}
