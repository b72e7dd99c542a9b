// How to get all this once more: the commands with the ARGS that make remembers, and what they made here.
import type { Manifest } from '../artifact/manifest.ts';
import { makeCommand } from './makeCommand.ts';
import { markup, type Markup } from './markup.ts';
import { artifactsOf, type Run } from './readRun.ts';
import type { Section } from './section.ts';
import { table } from './table.ts';

/** The make commands in order, and the artifacts with their fingerprints. */
export function rerunSection(run: Run): Section {
  const commands = commandsOf(run).map((command) => markup`${command}\n`);
  const example = makeCommand(run, 'train', { training: 'slow', args: '--learning-rate 1e-5' });
  const content = [
    markup`<p>Each command makes what its stage needs, unless it is there already. The same inputs and parameters give
the same fingerprints.</p>
<pre tabindex="0"><code>${commands}</code></pre>
<p>One more training with a parameter changed, beside the others: <code>${example}</code></p>
`,
    artifactTable(run),
  ];
  return { id: 'rerun', title: 'How to run it again', content };
}

function commandsOf(run: Run): string[] {
  const trainings = run.trainings.length > 0 ? run.trainings.map(({ name }) => name) : ['main'];
  const command = (stage: string, training?: string) => {
    const args = run.args.get(training === undefined ? stage : `${stage}-${training}`);
    return makeCommand(run, stage, { training, args });
  };
  return [
    ...['fetch', 'mix', 'teacher', 'logits'].map((stage) => command(stage)),
    ...trainings.flatMap((name) => [command('train', name), command('eval', name)]),
    makeCommand(run, 'report', { training: trainings[0] }), // which has to be there, or make trains it
  ];
}

function artifactTable(run: Run): Markup | undefined {
  const rows = artifactsOf(run).map(([path, manifest]) => artifactRow(path, manifest));
  const head = ['folder', 'fingerprint', 'files', 'bytes', 'made with'];
  return rows.length > 0 ? table({ caption: 'Artifacts', head, rows }) : undefined;
}

function artifactRow(path: string, { fingerprint, files, tools }: Manifest) {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const versions = Object.entries(tools).map(([tool, version]) => `${tool} ${version}`);
  return [path, fingerprint, files.length, bytes, versions.join(', ')] as const;
}
