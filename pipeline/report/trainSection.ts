// Training: each figure over the steps, all runs of the student in one chart, then the runs beside each other.
import { closed, figure, figures, legend } from './figure.ts';
import { formatNumber } from './formatNumber.ts';
import { wordsOf } from './jsonRecord.ts';
import { lineChart, stepsPerPoint } from './lineChart.ts';
import { markup, type Markup } from './markup.ts';
import { parameterTable } from './parameterTable.ts';
import type { Curve } from './readCurves.ts';
import { lookOf, type Run, type Training } from './readRun.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { recordTable, table } from './table.ts';

const MOST_ROWS = 30; // of a training, in the table behind its charts

/** The curves of metrics.jsonl that are drawn, and of the time that each step took. */
const DRAWN: Record<string, { caption: string; format?: string }> = {
  loss: { caption: 'Loss' },
  divergence: { caption: 'Divergence from the teacher' },
  cross_entropy: { caption: 'Cross-entropy of the text, nats' },
  'held_out.kl': { caption: 'KL on held-out samples, nats' },
  'held_out.agreement': { caption: 'Top-1 agreement on held-out samples', format: '.0%' },
  learning_rate: { caption: 'Learning rate', format: '~e' },
  gradient_norm: { caption: 'Gradient norm, before clipping' },
  tokens_per_second: { caption: 'Tokens a second', format: ',~r' },
};

/** Charts, final figures, and the parameters by which runs differ. */
export async function trainSection(run: Run): Promise<Section> {
  const finished = run.trainings.flatMap(({ name, manifest }) =>
    manifest ? [[name, manifest] as const] : [],
  );
  const names = run.trainings.map(({ name }, look) => ({ name: `run ${name}`, look }));
  const content = [
    run.trainings.length === 0 ? missing(run, 'train') : undefined,
    run.trainings.map((training) => notesOn(run, training)),
    run.trainings.length > 1 ? legend(names) : undefined,
    await curveFigures(run),
    run.trainings.length > 0 ? closed('Numbers', run.trainings.map(curveTable)) : undefined,
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

function notesOn(run: Run, { name, manifest, curves }: Training): Markup | Markup[] {
  if (manifest) return staleInputs(run, { name, manifest });
  const steps = curves.get('loss')?.length ?? 0;
  return missing(run, 'train', {
    what: `Run ${name} is not finished; steps so far: ${steps}.`,
    training: name,
  });
}

async function curveFigures(run: Run): Promise<Markup | undefined> {
  const shown = Object.entries(DRAWN).map(async ([key, { caption, format }], i) => {
    const curves = run.trainings.flatMap((training) => {
      const curve = curveOf(training, key);
      return curve ? [{ name: `run ${training.name}`, look: lookOf(run, training.name), curve }] : [];
    });
    const size = Math.max(1, ...curves.map(({ curve }) => stepsPerPoint(curve)));
    const chart = await lineChart(curves, {
      ...{ id: `train-${i}`, title: `${caption} over steps` },
      ...(format !== undefined && { format }),
    });
    const means = size > 1 ? markup` (means of ${size} steps)` : undefined;
    return figure(chart, { caption: markup`${caption}${means}` });
  });
  return figures(...(await Promise.all(shown)));
}

/** The figures of a training at some of its steps, from the first to the last. */
function curveTable(training: Training): Markup {
  const curves = Object.keys(DRAWN).flatMap((key) => {
    const curve = curveOf(training, key);
    return curve ? [{ key, values: new Map(curve) }] : [];
  });
  const steps = [...new Set(curves.flatMap(({ values }) => [...values.keys()]))].sort((a, b) => a - b);
  const every = Math.ceil(steps.length / MOST_ROWS);
  const shown = steps.filter((_, i) => i % every === 0 || i === steps.length - 1);
  return table({
    caption: `Run ${training.name} by step`,
    head: ['step', ...curves.map(({ key }) => wordsOf(key))],
    rows: shown.map((step) => [formatNumber(step), ...curves.map(({ values }) => values.get(step))] as const),
  });
}

/** The divergence is left out where it is the loss itself. */
function curveOf({ curves, timing }: Training, key: string): Curve | undefined {
  if (key === 'tokens_per_second') {
    const seconds = timing?.step_seconds; // runs of older versions have none
    return seconds && curves.get('tokens')?.map(([step, value]) => paceOf(step, value, seconds[step - 1]));
  }
  const isLoss = JSON.stringify(curves.get('loss')) === JSON.stringify(curves.get('divergence'));
  return key === 'divergence' && isLoss ? undefined : curves.get(key);
}

function paceOf(step: number, tokens: number | null, seconds: number | undefined): Curve[number] {
  return [step, tokens === null || !seconds ? null : tokens / seconds];
}
