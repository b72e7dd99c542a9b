// Evaluation: what training changed, on samples that were never trained on.
import { markup } from './markup.ts';
import { BEFORE, type Run } from './readRun.ts';
import { scoreTable, taskScores } from './scoreTables.ts';
import { missing, staleInputs, type Section } from './section.ts';

/** A table of scores for each task, and what has not been evaluated. */
export function evalSection(run: Run): Section {
  const evaluated = new Set(run.evaluations.map(({ name }) => name));
  const unevaluated = run.trainings.filter(({ name, manifest }) => manifest && !evaluated.has(name));
  const content = [
    markup`<p>“${BEFORE}” is the student before training; below the other scores stands the difference to it. On
held-out samples: the closer to the teacher, the lower KL, cross-entropy and perplexity, and the higher the agreement on the
most probable token. Whether a difference is more than noise, make eval prints, and eval/RUN/comparison.json keeps.</p>
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
    taskScores(run).map(scoreTable),
  ];
  return { id: 'eval', title: 'Evaluation: before and after', content };
}
