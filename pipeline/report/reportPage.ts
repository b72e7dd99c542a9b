// The report: one self-contained page that tells the run from its sources to its scores. It loads nothing and runs no
// scripts (its own policy forbids both), and is a function of the artifacts alone, so the same run gives the same bytes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evalSection } from './evalSection.ts';
import { formatNumber } from './formatNumber.ts';
import { logitsSection } from './logitsSection.ts';
import { contentOf, markup, trusted, type Markup } from './markup.ts';
import { mixSection } from './mixSection.ts';
import { parametersSection } from './parametersSection.ts';
import type { Run } from './readRun.ts';
import { rerunSection } from './rerunSection.ts';
import { taskScores, type Score } from './scoreTables.ts';
import { sectionMarkup } from './section.ts';
import { sourcesSection } from './sourcesSection.ts';
import { teacherSection } from './teacherSection.ts';
import { trainSection } from './trainSection.ts';

const SECTIONS = [
  sourcesSection,
  mixSection,
  teacherSection,
  logitsSection,
  trainSection,
  evalSection,
  parametersSection,
  rerunSection,
];

/** The page about a run, as HTML. */
export async function reportPage(run: Run): Promise<string> {
  const style = await readFile(join(import.meta.dirname, 'report.css'), 'utf8');
  const sections = SECTIONS.map((section) => section(run));
  return contentOf(markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${run.recipe}: distillation report</title>
<style>
${trusted(style)}</style>
</head>
<body>
<header>
<h1>${run.recipe}: distillation report</h1>
${headline(run)}<nav aria-label="Sections"><ul>
${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>
</header>
<main>
${sections.map(sectionMarkup)}</main>
</body>
</html>
`);
}

/** Who learned from whom, and what came of it. */
function headline(run: Run): Markup {
  const roles =
    run.sources &&
    markup`<p>The student <b>${run.sources.student.reference}</b> learns from the cached logits of <b>${run.sources.teacher.reference}</b>.</p>\n`;
  const results = taskScores(run)
    .filter(({ task }) => task === 'held_out')
    .flatMap(({ models }) => models)
    .map(({ name, scores }) => resultLine(name, scores.get('kl')));
  return markup`${roles}${results}`;
}

function resultLine(training: string, kl: Score | undefined): Markup | undefined {
  if (kl?.difference === undefined) return undefined;
  const before = formatNumber(kl.value - kl.difference);
  return markup`<p>KL to the teacher on held-out samples, run ${training}: ${before} → <b>${formatNumber(kl.value)}</b>.</p>\n`;
}
