// An error that the user can mend: one line naming file, field and value, and what to do.
// Stage commands print its message alone and exit 1; any other error keeps its stack trace, as it is a bug.

/** What an error says, in the order it is read: where, what, and the remedy. */
export interface Complaint {
  file?: string;
  field?: string;
  value?: unknown;
  problem: string;
  remedy?: string;
}

/** Thrown for bad input; `message` is a single line. */
export class UserError extends Error {
  override name = 'UserError';

  constructor(complaint: Complaint | string, options?: ErrorOptions) {
    super(typeof complaint === 'string' ? complaint : sentence(complaint), options);
  }
}

/** `FILE: FIELD: VALUE: PROBLEM; REMEDY`, leaving out what is not known. */
function sentence({ file, field, value, problem, remedy }: Complaint): string {
  const shown = value === undefined ? undefined : JSON.stringify(value);
  const where = [file, field && (shown === undefined ? field : `${field} = ${shown}`)].filter(Boolean);
  return [...where, problem].join(': ').replaceAll('\n', ' ') + (remedy ? `; ${remedy}` : '');
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ');
}

/** True for a file-system error with one of the given codes, such as `ENOENT`. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
