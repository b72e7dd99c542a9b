// What the Hub refuses, said in one line with what to do; and the token, which is sent to the Hub and told to nobody.
import { join } from 'node:path';
import t from 'tap';
import { readdirSync, readFileSync } from 'node:fs';
import { hubConnection } from '../../pipeline/hub/hubConnection.ts';
import { resolveModel } from '../../pipeline/hub/resolveModel.ts';
import { startHub } from './hubServer.ts';
import { hubScene, madeUpBytes, setHubEnvironment, writeFiles } from './hubScene.ts';

const TOKEN = 'hf_secretOfMine';
const root = t.testdir();
const folder = writeFiles(join(root, 'm'), { 'model.safetensors': madeUpBytes(1000), 'config.json': '{}' });
const pickled = writeFiles(join(root, 'old'), {
  'config.json': '{}',
  'pytorch_model.bin': 'x',
  'training_args.bin': 'x',
});
const repositories = { 'models/org/m': folder, 'datasets/org/d': folder, 'models/org/old': pickled };
const model = { type: 'model', name: 'org/m' } as const;
const message = (pattern: RegExp) => ({ name: 'UserError', message: pattern });

t.test('gated: which page to visit, and what to set', async (t) => {
  const gated = ['models/org/m', 'datasets/org/d'];
  const { hub, fetch } = await hubScene(t, { repositories, gated });
  const page = (name: string) => `${hub.url}/${name}`;
  await t.rejects(fetch(model), {
    message: `org/m@main: a gated model; accept its terms on ${page('org/m')} and set HF_TOKEN (or run "hf auth login")`,
  });
  await t.rejects(fetch({ type: 'dataset', name: 'org/d' }), {
    message: `org/d@main: a gated dataset; accept its terms on ${page('datasets/org/d')} and set HF_TOKEN`,
  });
  process.env.HF_TOKEN = TOKEN;
  await t.rejects(fetch(model), {
    message: `org/m@main: a gated model, not yet open to the account of HF_TOKEN; ask for access on ${page('org/m')}`,
  });
});

t.test('missing, private, and a token that nobody knows', async (t) => {
  const { fetch } = await hubScene(t, { repositories, token: TOKEN });
  await t.rejects(
    fetch(model),
    message(/^org\/m@main: no such model, or a private one; check the name; .* set HF_TOKEN$/),
  );
  process.env.HF_TOKEN = 'hf_other';
  await t.rejects(
    fetch(model),
    message(/^org\/m@main: the Hub does not know the token of HF_TOKEN; make one on http.*tokens$/),
  );
  process.env.HF_TOKEN = TOKEN;
  await t.rejects(
    fetch({ ...model, name: 'org/none' }),
    message(/^org\/none@main: no such model, or a private one; .*HF_TOKEN may/),
  );
  await t.rejects(
    fetch({ ...model, revision: 'v9' }),
    message(/^org\/m@v9: no such revision; check the branch/),
  );
  t.ok((await fetch(model)).folder);
});

t.test('disabled, and answers that no Hub gives', async (t) => {
  const answers: [number, Record<string, string>, string, RegExp][] = [
    [
      403,
      { 'x-error-message': 'Access to this resource is disabled.' },
      '',
      /m@main: this model is disabled on the Hub; see http/,
    ],
    [403, { 'x-error-message': 'No.' }, '', /^org\/m@main: http:\S+ answered HTTP 403 No\.$/],
    [
      200,
      {},
      '<html>Log in</html>',
      /^org\/m@main: http:\S+ does not answer as a Hub does; check HF_ENDPOINT/,
    ],
    [200, {}, '{"sha": "short"}', /does not answer as a Hub does/],
    [
      500,
      { 'retry-after': '301' },
      '',
      /answered HTTP 500; run .* later \(the server asks to wait 5 min 1 s\)$/,
    ],
  ];
  let next = 0;
  const { fetch } = await hubScene(t, {
    repositories,
    also: async (_, response) => {
      const [status, headers, body] = answers[next]!;
      response.writeHead(status, headers).end(body);
      return Promise.resolve(true);
    },
  });
  for (const [, , , pattern] of answers) {
    await t.rejects(fetch(model), message(pattern));
    next++;
  }
});

t.test('weights that are pickled only', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  const options = { field: 'teacher', previous: undefined, progress: () => undefined };
  await t.rejects(
    resolveModel('org/old', options),
    message(
      /^org\/old: has its weights as pytorch_model\.bin only, and no safetensors; look for a converted copy .*refs\/pr/,
    ),
  );
  t.equal(hub.sent.size, 0);
});

t.test('the token goes to the Hub alone', async (t) => {
  const { hub, fetch, told, cache } = await hubScene(t, {
    repositories,
    token: TOKEN,
    faults: ({ kind, before }) => (kind === 'lfs' && before === 0 ? { cutAfter: 500 } : undefined),
  });
  for (const from of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', 'the file of "hf auth login"']) {
    const home = writeFiles(t.testdir(), { token: `${TOKEN}\n` });
    const given = from.startsWith('H')
      ? { [from]: from === 'HF_TOKEN_PATH' ? join(home, 'token') : ` ${TOKEN}\n` }
      : {};
    const HF_HOME = from.startsWith('H') ? join(home, 'none') : home;
    setHubEnvironment({ HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(cache, from), HF_HOME, ...given });
    t.ok((await fetch(model)).folder, from);
  }
  t.same(hub.leaked, [], 'it is not sent on after a redirect to another host');
  t.ok(
    hub.requests.some((request) => request.startsWith('GET /lfs/')),
    'and there were redirects',
  );
  t.notOk(told.join().includes(TOKEN));
  const files = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const { parentPath, name } of files)
    t.notOk(readFileSync(join(parentPath, name)).includes(TOKEN), name);
});

t.test('nor does it go to where a list of files goes on, if that is elsewhere', async (t) => {
  const other = await startHub({ repositories });
  t.teardown(other.close);
  const path = `/api/models/org/m/tree/${other.commit('models/org/m')}`;
  const { fetch } = await hubScene(t, {
    repositories,
    token: TOKEN,
    also: (request, response) => {
      const isList = request.url!.startsWith(path);
      if (isList) response.writeHead(200, { link: `<${other.url}${path}>; rel="next"` }).end('[]');
      return Promise.resolve(isList);
    },
  });
  process.env.HF_TOKEN = TOKEN;
  t.ok((await fetch(model)).files.length > 0);
  t.same(other.authorizations, [undefined]);
});

t.test('a token or an address that cannot be one is named, and not shown', async (t) => {
  const mirror = { HF_ENDPOINT: 'https://mirror.example' };
  for (const [variable, value, others] of [
    ['HF_TOKEN', 'secret'],
    ['HF_TOKEN', 'secret', { HF_ENDPOINT: 'https://huggingface.co/' }],
    ['HF_TOKEN', 'hf_secret\nhf_secret'],
    ['HF_TOKEN', '"hf_secret"'],
    ['HF_TOKEN', 'hf_secret hf_secret', mirror],
    ['HF_TOKEN', 'hf_sécret', mirror],
    ['HF_ENDPOINT', 'https://me:hf_secret@mirror.example'],
    ['HF_ENDPOINT', 'hf_secret'],
  ] as const) {
    setHubEnvironment({ HF_HOME: t.testdir(), ...others, [variable]: value });
    const error = await hubConnection().then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    t.match(error?.message, new RegExp(`^${variable}: `));
    t.notMatch(error!.message, /s[eé]cret/);
  }
});

t.test('a mirror may give out tokens of any form', async (t) => {
  const token = 'eyJhbGciOi.eyJzdWIi~+/=.sig-_:|';
  const { hub, fetch } = await hubScene(t, { repositories, token });
  process.env.HF_TOKEN = `${token}\n`;
  t.ok((await fetch(model)).folder);
  t.same(new Set(hub.authorizations), new Set([`Bearer ${token}`]));
});

t.test('seconds that are none, and a cache that cannot be', async (t) => {
  const { fetch } = await hubScene(t, { repositories });
  process.env.HF_HUB_DOWNLOAD_TIMEOUT = 'abc';
  await t.rejects(
    fetch(model),
    message(/^HF_HUB_DOWNLOAD_TIMEOUT = "abc": not a number of seconds above 0; unset it for 30$/),
  );
  process.env.HF_HUB_DOWNLOAD_TIMEOUT = '2.5';
  t.equal((await hubConnection()).patience, 2.5);
  process.env.HF_HOME = join(t.testdir({ file: '' }), 'file');
  await t.rejects(fetch(model), message(/^\S*file\/hub\S*: a file stands where a folder should be; move it/));
});

t.test('offline no token is read', async (t) => {
  const { fetch } = await hubScene(t, { repositories });
  const online = await fetch(model);
  process.env.HF_TOKEN = 'no token at all';
  await t.rejects(fetch(model), message(/^HF_TOKEN: a token is one word/));
  process.env.HF_HUB_OFFLINE = '1';
  t.same(await fetch(model), online);
  t.equal((await hubConnection()).token, undefined);
});
