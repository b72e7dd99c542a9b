// Behind a proxy: the Hub's name means nothing here and only the proxy knows the way. What NO_PROXY names is asked
// directly; what cannot be a proxy is refused without showing it.
import { connect } from 'node:net';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { runStage } from '../runStage.ts';
import { hubScene, writeFiles } from './hubScene.ts';

const root = t.testdir();
const rows = writeFiles(join(root, 'rows'), { 'rows.jsonl': '{"question": "1 + 1?", "answer": "2"}\n' });
const repositories = { 'datasets/org/rows': rows };

/** A proxy that leads to `port` whatever it is asked for; tells what that was. */
async function startProxy(port: number) {
  const asked: string[] = [];
  const server = createServer().on('connect', ({ url }, socket) => {
    asked.push(url!);
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    for (const end of [socket, target])
      end.on('error', () => [socket, target].map((other) => other.destroy()));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { asked, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Fetches a local model and the dataset; gives what was said. */
function fetch(variables: Record<string, string>) {
  const recipe = writeFiles(join(root, 'recipe'), {
    'sources.yaml':
      'teacher: test/golden/gguf/tiny-llama.gguf\nstudent: test/golden/gguf/tiny-llama.gguf\ndatasets: { rows: org/rows }\n',
  });
  const none = {
    HTTPS_PROXY: '',
    https_proxy: '',
    HTTP_PROXY: '',
    http_proxy: '',
    NO_PROXY: '',
    no_proxy: '',
  };
  const flags = { config: join(recipe, 'sources.yaml'), out: join(root, 'run') };
  return runStage('fetch', flags, { ...none, ...variables });
}

t.test('the Hub is reached through the proxy that the environment names', async (t) => {
  const { hub } = await hubScene(t, { repositories });
  const { port } = new URL(hub.url);
  const proxy = await startProxy(Number(port));
  t.teardown(() => proxy.server.close());
  const far = { HF_ENDPOINT: `http://hub.invalid:${port}` };
  await t.rejects(fetch(far), {
    code: 1,
    stderr: /hub\.invalid:\d+ cannot be reached \(.*set HTTPS_PROXY if a proxy leads out of it/,
  });
  t.match(await fetch({ ...far, http_proxy: proxy.url }), { stdout: /\nrows +1 file, 0\.0 MB\n$/ });
  t.match(proxy.asked, [`hub.invalid:${port}`]);

  const before = proxy.asked.length;
  await fetch({
    HF_ENDPOINT: hub.url,
    HF_HOME: join(root, 'other'),
    HTTP_PROXY: proxy.url,
    NO_PROXY: '127.0.0.1',
  });
  t.equal(proxy.asked.length, before, 'what NO_PROXY names is asked directly');
});

t.test('a proxy that cannot be one', async (t) => {
  await hubScene(t, { repositories });
  await t.rejects(fetch({ HTTPS_PROXY: 'me:secret@proxy' }), {
    code: 1,
    stderr:
      'fetch: HTTPS_PROXY: not the address of a proxy; set it to something like http://proxy.example:3128, or unset it\n',
  });
});
