// make status: what is made, stale or at work in a run, and what the next make would do (pipeline/status).
import { runStatus, type ArtifactStatus, type RunStatus } from '../pipeline/status/runStatus.ts';
import { duration } from '../pipeline/terminal/progressMeter.ts';
import { stageCommand } from '../pipeline/terminal/stageCommand.ts';
import { textTable } from '../pipeline/terminal/textTable.ts';

await stageCommand({
  name: 'status',
  summary:
    'Lists the artifacts of a run, which are made, stale or being made, and what the next make would do.',
  options: {
    run: { describe: 'folder of the run, data/runs/RECIPE', required: true },
    student: { describe: 'the RUN whose steps ahead are told (default: main)' },
  },
  run: async ({ options: { run: folder, student = 'main' } }) => {
    const status = await runStatus({ folder, run: student });
    console.log(tableOf(status.artifacts).trimEnd());
    console.log(aheadOf(status));
  },
});

function tableOf(artifacts: ArtifactStatus[]): string {
  const rows = artifacts.map(({ name, state, detail, made, bytes, seconds }) => [
    name,
    made ? made.toLocaleString('sv-SE').slice(0, 16) : '',
    bytes === undefined ? '' : (bytes / 1e6).toFixed(1),
    seconds === undefined ? '' : duration(seconds),
    [state, detail].filter(Boolean).join(': '),
  ]);
  return textTable([['artifact', 'made', 'MB', 'took', 'state'], ...rows], { left: [0, 1, 4] });
}

function aheadOf({ ahead }: RunStatus): string {
  if (ahead.length === 0) return 'next make: nothing to do';
  const known = ahead.flatMap(({ seconds }) => (seconds === undefined ? [] : [seconds]));
  const unknown = ahead.filter(({ seconds }) => seconds === undefined).map(({ name }) => name);
  const total = known.reduce((sum, seconds) => sum + seconds, 0);
  const time = known.length > 0 ? `about ${duration(total)}` : '';
  const rest = unknown.length > 0 ? `no figure yet for ${unknown.join(', ')}` : '';
  return `next make: ${ahead.map(({ name }) => name).join(', ')} (${[time, rest].filter(Boolean).join('; ')})`;
}
