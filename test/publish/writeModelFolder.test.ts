// The folder of make publish DRY_RUN=1: replaced as a whole, or left as it was.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { PublishedFile } from '../../pipeline/publish/publishedModel.ts';
import { writeModelFolder } from '../../pipeline/publish/writeModelFolder.ts';
import { writeFiles } from '../hub/hubScene.ts';

const parent = t.testdir({});
const folder = join(parent, 'main');
const published = (path: string, content: PublishedFile['content']): PublishedFile => ({
  ...{ path, content, bytes: 0 },
  sha1: () => Promise.resolve(''),
});

t.test('what was there before goes, and a failure changes nothing', async (t) => {
  const source = join(
    writeFiles(join(parent, 'source'), { 'model.safetensors': 'weights' }),
    'model.safetensors',
  );
  writeFiles(folder, { 'old.txt': 'old' });
  const files = [
    published('README.md', { text: '# m\n' }),
    published('a/model.safetensors', { file: source }),
  ];
  await writeModelFolder(files, folder);
  t.same(readdirSync(folder, { recursive: true }).sort(), ['README.md', 'a', 'a/model.safetensors']);
  const broken = published('other.txt', { file: join(parent, 'not there') });
  await t.rejects(writeModelFolder([...files, broken], folder), { code: 'ENOENT' });
  t.same(readdirSync(parent).sort(), ['main', 'source'], 'nor is anything left beside it');
  t.notOk(readdirSync(folder).includes('other.txt'));
});
