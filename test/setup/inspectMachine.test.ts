// What `make doctor` says before set-up, and how it judges Node's version.
import t from 'tap';
import {
  findingLine,
  inspectMachine,
  nodeFinding,
  type Finding,
} from '../../pipeline/setup/inspectMachine.ts';

t.test('before set-up it tells all it can, and that TensorFlow is needed', async (t) => {
  const findings: Finding[] = [];
  for await (const finding of inspectMachine({ folder: t.testdir() })) findings.push(finding);
  const names = findings.map(({ name }) => name);
  t.same(names.slice(0, 6), ['Node.js', 'npm', 'C++ compiler', 'pip', 'Python', 'make']);
  t.match(findings.find(({ name }) => name === 'memory')?.found, /^\d+\.\d GiB free of \d+\.\d GiB$/);
  const last = findings.at(-1)!;
  t.equal(findingLine(last), 'TensorFlow    not set up: run "make setup"');
  t.equal(last.needed, true);
});

t.test('a missing tool is named with what to install', async (t) => {
  const { CXX, PATH } = process.env;
  t.teardown(() => Object.assign(process.env, { PATH }, CXX === undefined ? {} : { CXX }));
  process.env.PATH = t.testdir();
  delete process.env.CXX;
  const lines: string[] = [];
  for await (const finding of inspectMachine({ folder: t.testdirName })) lines.push(findingLine(finding));
  t.match(lines[2], /^C\+\+ compiler {2}not found; install one \(Debian: apt install g\+\+;/);
  t.match(lines[3], /^pip {11}not found; install Python 3 with pip/);
});

t.test('Node older than package.json asks for is refused', (t) => {
  for (const version of ['20.19.0', '20.20.2', '22.1.0', '24.0.0'])
    t.equal(nodeFinding(version).found, version);
  for (const version of ['18.20.4', '20.18.9'])
    t.equal(
      findingLine(nodeFinding(version)),
      `Node.js       ${version} is too old; install Node.js 20.19 or later`,
    );
  t.end();
});
