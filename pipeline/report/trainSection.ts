// Training: a chart for each run of the student, then the runs beside each other.
import { lineChart, type NamedCurve } from './lineChart.ts';
import { markup, type Markup } from './markup.ts';
import { parameterTable } from './parameterTable.ts';
import type { Run, Training } from './readRun.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { recordTable } from './table.ts';

/** The curves of metrics.jsonl that are drawn, by what the chart calls them. */
const DRAWN = { loss: 'loss', divergence: 'divergence', 'held_out.kl': 'KL on held-out samples' };

/** Charts, final figures, and the parameters by which runs differ. */
export function trainSection(run: Run): Section {
  const finished = run.trainings.flatMap(({ name, manifest }) =>
    manifest ? [[name, manifest] as const] : [],
  );
  const content = [
    run.trainings.length === 0 ? missing(run, 'train') : undefined,
    run.trainings.map((training, i) => trainingMarkup(run, training, `chart-${i}`)),
    finished.length > 0
      ? recordTable({
          caption: 'Final figures',
          heading: 'run',
          records: finished.map(([name, { statistics }]) => [name, statistics]),
        })
      : undefined,
    finished.length > 1
      ? parameterTable(
          finished.map(([name, { parameters }]) => [name, parameters]),
          { caption: 'Parameters that differ between runs', rows: 'differing' },
        )
      : undefined,
  ];
  return { id: 'train', title: 'Training', content };
}

function trainingMarkup(run: Run, { name, manifest, curves }: Training, id: string): Markup {
  const steps = curves.get('loss')?.length ?? 0;
  return markup`<h3>Run ${name}</h3>
${manifest ? staleInputs(run, { name, manifest }) : missing(run, 'train', { what: `Not finished; steps so far: ${steps}.`, training: name })}
${lineChart(drawnCurves(curves), { id, title: `Run ${name}: loss over steps`, xTitle: 'step' })}`;
}

/** The divergence is left out where it is the loss itself. */
function drawnCurves(curves: Training['curves']): NamedCurve[] {
  const same = JSON.stringify(curves.get('loss')) === JSON.stringify(curves.get('divergence'));
  return Object.entries(DRAWN).flatMap(([key, name], look) => {
    const curve = curves.get(key);
    return curve && !(key === 'divergence' && same) ? [{ name, look, curve }] : [];
  });
}
