// Asking again what may go well the next time, after waits that double and are drawn at random, so that many machines
// that failed together do not come back together; where the server says how long to wait, that long.
// Who got further before it failed starts counting anew: a long download survives any number of cuts.
import { setTimeout } from 'node:timers/promises';
import { duration } from '../terminal/progressMeter.ts';
import { HubError, isHubError, type FailureKind } from './hubErrors.ts';

export interface RetryOptions {
  /** Failures that are worth another try. */
  kinds?: readonly FailureKind[];
  /** Tries in a row without getting further. */
  tries?: number;
  /** How far the work has got; only an increase counts. */
  reached?: () => number;
  /** Told why and how long is being waited. */
  notice?: (line: string) => void;
  /** Waits so many seconds. */
  pause?: ((seconds: number) => Promise<unknown>) | undefined;
  signal?: AbortSignal | undefined;
}

/** The Hub counts requests in windows of five minutes. */
const LONGEST_WAIT = 300;

/** @throws what `attempt` threw last, with the number of tries. */
export async function retryRequest<T>(
  attempt: () => Promise<T>,
  {
    kinds = ['cut', 'busy'],
    tries = 6,
    reached = () => 0,
    notice = () => undefined,
    signal,
    pause = (seconds) => setTimeout(1000 * seconds, undefined, { signal }),
  }: RetryOptions = {},
): Promise<T> {
  let furthest = reached();
  for (let failed = 0; ;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isHubError(error, ...kinds)) throw error;
      failed = reached() > furthest ? 1 : failed + 1;
      furthest = Math.max(furthest, reached());
      if (failed === tries || (error.retryAfter ?? 0) > LONGEST_WAIT) throw givingUp(error, failed);
      const seconds = error.retryAfter ?? 2 ** (failed - 2) * (1 + Math.random());
      notice(`${error.message.split('; ')[0]}: trying again in ${duration(seconds)}`);
      await pause(seconds);
    }
  }
}

function givingUp(error: HubError, tries: number): HubError {
  const notes = [
    ...(tries > 1 ? [`tried ${tries} times`] : []),
    ...(error.retryAfter ? [`the server asks to wait ${duration(error.retryAfter)}`] : []),
  ];
  const noted = notes.length > 0 ? ` (${notes.join('; ')})` : '';
  return new HubError(error.kind, error.message + noted, { cause: error });
}
