// Pictures of a report, to be looked at: node --import tsx test/report/pictures.ts REPORT.html FOLDER [HEIGHT].
// One for light and dark, at the widths of a desk and of a phone; HEIGHT cuts them off. Those in .github/ for the README
// are made with 1000 at 1280 pixels, from a finished run of the embedded recipe.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [report = '', folder = '', height] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.REDISTILL_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [1280, 390]) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: Number(height ?? 900) } });
    await page.goto(pathToFileURL(resolve(report)).href);
    const path = `${folder}/report-${colorScheme}-${width}.png`;
    await page.screenshot({ path, fullPage: height === undefined });
    console.log(path);
  }
await browser.close();
