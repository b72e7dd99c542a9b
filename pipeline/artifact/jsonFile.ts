// JSON files that hold one object: written indented, for people and for diffs, and read back.
import { messageOf, UserError } from '../config/userError.ts';
import { commitBytes, type FileRecord } from './commitFile.ts';
import { findText } from './optionalFiles.ts';

/** Commits `value` as `path`. */
export function commitJson(path: string, value: object): Promise<FileRecord> {
  return commitBytes(path, JSON.stringify(value, null, 2) + '\n');
}

/**
 * The object in a file, or undefined when there is no such file.
 * @throws UserError naming the file when it holds anything else.
 */
export async function readJsonObject(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await findText(file);
  return text === undefined ? undefined : parseJsonObject(text, file);
}

/** The object in the text of `file`. @throws UserError naming the file when it holds anything else. */
export function parseJsonObject(text: string, file: string): Record<string, unknown> {
  const value = parse(text, file);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new UserError({ file, problem: 'expected a JSON object' });
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError({ file, problem: `not valid JSON (${messageOf(error)})` }, { cause: error });
  }
}
