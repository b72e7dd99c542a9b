// The report: one self-contained page that tells the run from its sources to its scores. It loads nothing and runs no
// scripts (its own policy forbids both), and is a function of the artifacts alone, so the same run gives the same bytes.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Distributions } from './distributions.ts';
import { evalSection } from './evalSection.ts';
import { logitsSection } from './logitsSection.ts';
import { contentOf, markup, trusted } from './markup.ts';
import { mixSection } from './mixSection.ts';
import { parametersSection } from './parametersSection.ts';
import type { Run } from './readRun.ts';
import { rerunSection } from './rerunSection.ts';
import { resourcesSection } from './resourcesSection.ts';
import { samplesSection } from './samplesSection.ts';
import { sectionMarkup, type Section } from './section.ts';
import { sourcesSection } from './sourcesSection.ts';
import { summary } from './summary.ts';
import { teacherSection } from './teacherSection.ts';
import { trainSection } from './trainSection.ts';

type MakeSection = (run: Run, distributions: Distributions) => Section | Promise<Section>;

const SECTIONS: MakeSection[] = [
  sourcesSection,
  mixSection,
  teacherSection,
  logitsSection,
  trainSection,
  evalSection,
  samplesSection,
  resourcesSection,
  parametersSection,
  rerunSection,
];

/** The page about a run, as HTML. */
export async function reportPage(run: Run, distributions: Distributions = {}): Promise<string> {
  const style = await readFile(join(import.meta.dirname, 'report.css'), 'utf8');
  const sections = await Promise.all(SECTIONS.map(async (section) => section(run, distributions)));
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
<a class="skip" href="#content">To the content</a>
<header>
<p class="kind">Distillation report</p>
<h1>${run.recipe}</h1>
${summary(run)}</header>
<nav aria-label="Sections"><ul>
${sections.map(({ id, title }) => markup`<li><a href="#${id}">${title}</a></li>\n`)}</ul></nav>
<main id="content">
${sections.map(sectionMarkup)}</main>
</body>
</html>
`);
}
