// Pictures of a report, to be looked at: node --import tsx test/report/pictures.ts REPORT.html FOLDER [HEIGHT SECTIONS].
// One for light and dark, at the widths of a desk and of a phone. HEIGHT cuts them off; SECTIONS, such as eval,samples,
// leaves out the others: with 1610 and these two, those of 1280 pixels are the README's (.github/, in 96 colours).
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [report = '', folder = '', height, sections] = process.argv.slice(2);
const shown = sections
  ?.split(',')
  .map((id) => `#${id}`)
  .join(', ');
const browser = await chromium.launch({
  executablePath: process.env.REDISTILL_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [1280, 390]) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: Number(height ?? 900) } });
    await page.goto(pathToFileURL(resolve(report)).href);
    if (shown !== undefined) await page.addStyleTag({ content: `section:not(${shown}) { display: none }` });
    const path = `${folder}/report-${colorScheme}-${width}.png`;
    await page.screenshot({ path, fullPage: height === undefined });
    console.log(path);
  }
await browser.close();
