// Answers of the local Hub that are no files: what a repository is, and the Hub's errors.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HubStore } from './hubStore.ts';

/** What the Hub says of a repository at a commit. */
export function infoOf(
  repository: string,
  { commit, files }: HubStore,
  gated: readonly string[] = [],
): object {
  return {
    _id: '0',
    id: repository.replace(/^\w+\//, ''),
    sha: commit,
    private: false,
    gated: gated.includes(repository) && 'auto',
    disabled: false,
    lastModified: '2025-01-01T00:00:00.000Z',
    downloads: 0,
    likes: 0,
    tags: [],
    siblings: files.map(({ path }) => ({ rfilename: path })),
  };
}

/** Whose files nobody has been given access to. */
export function refuseGated(request: IncomingMessage, response: ServerResponse, repository: string): void {
  const isKnown = request.headers.authorization !== undefined;
  const message = `Access to ${repository} is restricted`;
  refuse(response, isKnown ? 403 : 401, 'GatedRepo', message);
}

/** An error as the Hub gives it: a code and a sentence in the headers. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string | undefined,
  message: string,
): void {
  if (code !== undefined) response.setHeader('x-error-code', code);
  response.setHeader('x-error-message', message);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
