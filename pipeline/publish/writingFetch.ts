// A `fetch` for what @huggingface/hub sends to the Hub and its storage. Each request is sent again by itself when it finds
// them busy or breaks off, so that a bad moment neither ends an upload nor begins it anew; all that is sent are texts and
// Blobs, which can be read twice.
import type { HubConnection } from '../hub/hubConnection.ts';
import { connectionFailure, isHubError, refusal, type HubRepository } from '../hub/hubErrors.ts';
import { retryRequest } from '../hub/retryRequest.ts';

interface WritingOptions {
  hub: HubConnection;
  repository: HubRepository;
  notice: (line: string) => void;
}

/** Throws a HubError where trying again did not help; gives answers of any other status. */
export function writingFetch({ hub, repository, notice }: WritingOptions): typeof fetch {
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const once = async () => {
      const response = await fetch(input, init).catch((error: unknown) => {
        throw connectionFailure(error, { url, repository });
      });
      if (response.ok) return response;
      const failure = refusal(response, { hub, repository, url });
      if (!isHubError(failure, 'busy')) return response;
      await response.body?.cancel();
      throw failure;
    };
    return retryRequest(once, { notice, signal: init?.signal ?? undefined });
  };
}
