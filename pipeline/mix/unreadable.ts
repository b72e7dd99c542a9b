// What is said of a data file that cannot be read.
import { messageOf, UserError } from '../config/userError.ts';

/** The error for `file`; `what` tells the place, `cause` the reader's own words. */
export function unreadable(file: string, what: string, cause: unknown): UserError {
  const remedy = 'if it was downloaded, run "make fetch" to get it again';
  const words = messageOf(cause).replaceAll(/\p{Cc}/gu, '\ufffd'); // it may cite the file
  return new UserError({ file, problem: `${what}: ${words}`, remedy }, { cause });
}
