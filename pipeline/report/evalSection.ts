// Evaluation: what training changed on text that was never trained on and in benchmarks, and whether it is more than
// noise; beside it what the recipe's original published.
import { closed, figures, legend, type LegendEntry } from './figure.ts';
import { NEUTRAL } from './chart.ts';
import { contaminationTable, differenceTable, publishedTable } from './evalTables.ts';
import { benchmarkFigure, differenceFigure, heldOutFigures } from './evalFigures.ts';
import { markup } from './markup.ts';
import { BEFORE, TEACHER, type Run } from './readRun.ts';
import { scoreTable, taskScores } from './scoreTables.ts';
import { missing, staleInputs, type Section } from './section.ts';

/** Scores with their differences, and what has not been evaluated. */
export async function evalSection(run: Run): Promise<Section> {
  const evaluated = new Set(run.evaluations.map(({ name }) => name));
  const unevaluated = run.trainings.filter(({ name, manifest }) => manifest && !evaluated.has(name));
  const tasks = taskScores(run);
  const benchmarks = await benchmarkFigure(run);
  const content = [
    markup`<p>“${BEFORE}” is the student before training. On held-out samples: the closer to the teacher, the lower KL,
cross-entropy and perplexity, and the higher the agreement on the most probable token.</p>
`,
    run.evaluations.length === 0 ? missing(run, 'eval') : undefined,
    run.evaluations.length > 0 && !evaluated.has(BEFORE)
      ? missing(run, 'eval', { what: 'The student before training has not been evaluated.' })
      : undefined,
    unevaluated.map(({ name }) =>
      missing(run, 'eval', { what: `Run ${name} has not been evaluated.`, training: name }),
    ),
    run.evaluations.map(({ name, manifest }) =>
      staleInputs(run, {
        name,
        manifest,
        ...(name === BEFORE && { model: run.sources?.student.fingerprint }),
      }),
    ),
    figures(...(await heldOutFigures(run))),
    differenceTable(run),
    benchmarks && legend(legendOf(run)),
    figures(benchmarks, await differenceFigure(run)),
    publishedTable(run),
    contaminationTable(run),
    tasks.length > 0
      ? closed('Every score', [
          markup`<p>Below a score stands the difference to the student before training.</p>\n`,
          tasks.map(scoreTable),
        ])
      : undefined,
  ];
  return { id: 'eval', title: 'Evaluation: before and after', content };
}

function legendOf({ evaluations, trainings }: Run): LegendEntry[] {
  const has = (name: string) => evaluations.some((evaluation) => evaluation.name === name);
  const runs = trainings.map(({ name }, look) => ({ name: `run ${name}`, look, mark: 'circle' as const }));
  return [
    ...(has(BEFORE) ? [{ name: 'before training', look: NEUTRAL, mark: 'hollow circle' as const }] : []),
    ...runs.filter((_, i) => has(trainings[i]!.name)),
    ...(has(TEACHER) ? [{ name: 'teacher', look: NEUTRAL, mark: 'diamond' as const }] : []),
  ];
}
