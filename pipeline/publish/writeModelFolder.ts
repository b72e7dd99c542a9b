// What would be uploaded, as a folder: for a look before publishing, or for another way to publish.
import { constants, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitBytes } from '../artifact/commitFile.ts';
import { stagingFolder } from '../artifact/stagingFolder.ts';
import type { PublishedFile } from './publishedModel.ts';

/** Replaces `folder`, which is whole or as it was at every moment. */
export async function writeModelFolder(files: readonly PublishedFile[], folder: string): Promise<void> {
  const staging = await stagingFolder(folder);
  for (const { path, content } of files) {
    const target = join(staging, path);
    await mkdir(dirname(target), { recursive: true });
    if ('text' in content) await commitBytes(target, content.text);
    else await copyFile(content.file, target, constants.COPYFILE_FICLONE);
  }
  await rm(folder, { recursive: true, force: true });
  await rename(staging, folder);
}
