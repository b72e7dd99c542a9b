// The likeliest mistakes, typed in: every command in README's "When something is refused" is run as it stands, in a project
// of its own, and has to answer with the very lines that README shows, and to leave nothing behind.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startHub } from './hub/hubServer.ts';
import { makeTinyModel } from './tinyModel.ts';

const root = join(import.meta.dirname, '..');
const project = t.testdir();
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const section = /^## When something is refused\n([^]*?)^## /m.exec(readme)?.[1] ?? '';

/** Commands and the lines that follow them in the section's console blocks. */
const cases = [...section.matchAll(/^\$ (.*)\n((?:[^$`].*\n)+)/gm)].map(([, command, lines]) => ({
  command: command!,
  lines: lines!.trimEnd().split('\n'),
}));

const SOURCES =
  'teacher: models/large\nstudent: models/small\ndatasets: { own: data/samples/orca-math-word-problems-200k }\n';
const MIX = 'total: 48\nmax_tokens: 400\nsources: { own: { weight: 1, format: orca_math } }\n';

/** The files of recipes that hold the mistake. */
const RECIPES: Record<string, Record<string, string>> = {
  typo: { sources: SOURCES, mix: MIX.replace('total', 'totl') },
  columns: {
    sources: SOURCES,
    mix: MIX.replace('format: orca_math', 'columns: { prompt: question, response: anwser }'),
  },
  families: { sources: SOURCES.replace('models/small', 'models/stranger') },
  gated: { sources: SOURCES.replace('models/large', 'org/gated-model') },
};

let hubUrl = '';

t.before(async () => {
  for (const name of [
    'Makefile',
    'package.json',
    'package-lock.json',
    'node_modules',
    'pipeline',
    'stages',
    'test',
  ])
    symlinkSync(join(root, name), join(project, name));
  mkdirSync(join(project, 'data'));
  symlinkSync(join(root, 'data/samples'), join(project, 'data/samples'));
  cpSync(join(root, 'data/recipes'), join(project, 'data/recipes'), { recursive: true });
  for (const [name, vocabSize] of Object.entries({ large: 300, small: 300, stranger: 310 }))
    await makeTinyModel(join(project, 'models', name), { vocabSize });
  const hub = await startHub({
    repositories: { 'models/org/gated-model': join(project, 'models/large') },
    gated: ['models/org/gated-model'],
  });
  hubUrl = hub.url;
  t.teardown(() => hub.close());
});

t.test('README has them', (t) => {
  t.ok(cases.length >= 10, `${cases.length} commands`);
  t.end();
});

for (const { command, lines } of cases)
  t.test(command, async (t) => {
    writeRecipe(/RECIPE=(\w+)/.exec(command)?.[1] ?? '');
    const { code, said } = await run(command);
    t.equal(code, command.startsWith('node') ? 1 : 2);
    for (const line of lines) t.ok(said.includes(line), `${line}\n--- is not in ---\n${said.join('\n')}`);
    t.notOk(
      said.some((line) => /^ +at /.test(line)),
      'no stack',
    );
  });

t.test('nothing is left behind but what was rightly fetched', (t) => {
  for (const recipe of ['smollm2', 'smollm2-hub', 'families', 'gated'])
    t.notOk(existsSync(join(project, 'data/runs', recipe, 'sources.json')), recipe);
  for (const recipe of ['typo', 'columns'])
    t.notOk(existsSync(join(project, 'data/runs', recipe, 'mix/manifest.json')), recipe);
  t.notOk(existsSync(join(project, 'data/runs/smollm2/args')), 'no ARGS are remembered');
  t.end();
});

/** One of those above; only when it is its turn, as a command may list all that there are. */
function writeRecipe(name: string): void {
  for (const [stage, yaml] of Object.entries(RECIPES[name] ?? {})) {
    mkdirSync(join(project, 'data/recipes', name), { recursive: true });
    writeFileSync(join(project, 'data/recipes', name, `${stage}.yaml`), yaml);
  }
}

/** Runs a command line in the project; gives the lines of stderr without what make puts around its own. */
function run(command: string): Promise<{ code: number; said: string[] }> {
  const env = {
    ...process.env,
    ...{
      MAKEFLAGS: '',
      HF_ENDPOINT: hubUrl,
      HF_HOME: join(project, 'hf'),
      REDISTILL_CACHE: join(project, 'cache'),
    },
  };
  return new Promise((resolve) =>
    execFile('sh', ['-c', command], { cwd: project, env }, (error, _, stderr) => {
      const said = stderr
        .replaceAll(hubUrl, 'https://huggingface.co')
        .replaceAll(join(project, 'hf'), '~/.cache/huggingface')
        .replaceAll(`${project}/`, '')
        .split('\n')
        .map((line) => line.replace(/^Makefile:\d+: \*\*\* (.*)\.  Stop\.$/, '$1'));
      resolve({ code: error ? Number(error.code) : 0, said });
    }),
  );
}
