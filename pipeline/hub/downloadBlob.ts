// One file from the Hub into the cache. A cut download goes on where it stood, in this run or a later one, and only a
// file of the right size and hash takes the blob's name. The address holds a commit, so what it stands for never
// changes; If-Range guards that within a run, by the ETag of the host that really sends the bytes (a content network,
// whose ETags are its own). Across runs the hash has to do, and does.
import { HubError, nameOf } from './hubErrors.ts';
import { hubRequest, type HubRequestOptions } from './hubRequest.ts';
import type { HubFile } from './hubCache.ts';
import { openPartial, type PartialFile } from './partialFile.ts';
import { retryRequest, type RetryOptions } from './retryRequest.ts';

export interface DownloadOptions extends Omit<HubRequestOptions, 'headers'> {
  /** Path of the finished blob. */
  blob: string;
  url: string;
  /** Told the bytes that arrived; negative when some were thrown away. */
  received: (bytes: number) => void;
  notice: (line: string) => void;
  pause?: RetryOptions['pause'];
}

/**
 * Downloads a file to `blob`.
 * @throws HubError when it cannot be had, or arrives wrong twice; UserError when the disk is full.
 */
export async function downloadBlob(file: HubFile, options: DownloadOptions): Promise<void> {
  const { blob, repository, received, notice } = options;
  const partial = await openPartial(blob, file);
  const discard = async () => {
    received(-partial.bytes());
    await partial.restart();
  };
  try {
    for (let isSecond = false; ; isSecond = true) {
      await fill(partial, { file, discard, ...options });
      const fault = partial.fault();
      if (fault === undefined) return await partial.keep();
      await discard();
      const complaint = { file: `${nameOf(repository)}/${file.path}`, problem: fault };
      if (isSecond) {
        const remedy = 'run the same command again, or name another mirror in HF_ENDPOINT';
        throw new HubError('refused', { ...complaint, remedy });
      }
      notice(`${complaint.file}: ${fault}: fetching it once more`);
    }
  } finally {
    await partial.close();
  }
}

interface Filling extends DownloadOptions {
  file: HubFile;
  discard: () => Promise<void>;
}

/** Requests what is missing, again and again as long as something arrives. */
async function fill(
  partial: PartialFile,
  { file, url, received, discard, ...options }: Filling,
): Promise<void> {
  let etag: string | undefined;
  await retryRequest(
    async () => {
      const have = partial.bytes();
      if (have >= file.size && have > 0) return;
      const range = have > 0 && { range: `bytes=${have}-`, ...(etag && { 'if-range': etag }) };
      const headers = { 'accept-encoding': 'identity', ...range };
      await hubRequest(url, { ...options, headers }, async (response, heard) => {
        if (have > 0 && !continues(response, have)) await discard();
        if (response.status === 416) throw brokenRange(options);
        etag = strongEtag(response);
        for await (const chunk of response.body ?? []) {
          await partial.append(chunk as Uint8Array);
          received((chunk as Uint8Array).byteLength);
          heard();
          if (partial.bytes() > file.size) break; // the hash will say so
        }
      });
    },
    { ...options, kinds: ['absent', 'cut', 'busy'], reached: partial.bytes },
  );
}

function continues({ status, headers }: Response, have: number): boolean {
  const start = /^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1];
  return status === 206 && Number(start) === have;
}

function brokenRange({ repository }: Pick<DownloadOptions, 'repository'>): HubError {
  return new HubError('cut', { file: nameOf(repository), problem: 'the server has less of it than we do' });
}

/** A weak ETag does not promise the same bytes, and may not stand in If-Range. */
function strongEtag({ headers }: Response): string | undefined {
  const etag = headers.get('etag') ?? undefined;
  return etag?.startsWith('"') ? etag : undefined;
}
