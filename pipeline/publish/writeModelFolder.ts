// What would be uploaded, as a folder: for a look before publishing, or for another way to publish.
import { constants, copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitBytes, explainDiskError } from '../artifact/commitFile.ts';
import { stagingFolder } from '../artifact/stagingFolder.ts';
import type { PublishedFile } from './publishedModel.ts';

/**
 * Replaces `folder` once all is written; it is never there in part, and stays as it was when writing fails.
 * @throws UserError when the disk is full or not writable.
 */
export async function writeModelFolder(files: readonly PublishedFile[], folder: string): Promise<void> {
  const staging = await stagingFolder(folder);
  try {
    for (const { path, content } of files) {
      const target = join(staging, path);
      await mkdir(dirname(target), { recursive: true });
      if ('text' in content) await commitBytes(target, content.text);
      else await copyFile(content.file, target, constants.COPYFILE_FICLONE);
    }
    await rm(folder, { recursive: true, force: true });
    await rename(staging, folder);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw explainDiskError(error, folder);
  }
}
