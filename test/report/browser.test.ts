// The page as Debian's Chromium shows it, at the widths of a desk and of a phone, in light and dark: nothing is requested
// or logged, every section is there, nothing runs out of the window, and axe-core finds nothing serious, closed parts
// opened. Without a Chromium it is skipped, by name.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { readRun } from '../../pipeline/report/readRun.ts';
import { reportPage } from '../../pipeline/report/reportPage.ts';
import { writeCompleteRun } from './madeUpRun.ts';

const CHROMIUM = process.env.REDISTILL_CHROMIUM ?? '/usr/bin/chromium';
const SECTIONS = [
  ...['What was distilled from what', 'The mix', 'The teacher', 'The logits cache', 'Training'],
  ...['Evaluation: before and after', 'Samples, token by token', 'Time, memory and money'],
  ...['Every parameter', 'How to run it again'],
];

/** The page of a made-up run as a file. */
async function writePage(t: Test): Promise<string> {
  const folder = t.testdir();
  await writeCompleteRun(join(folder, 'maths'));
  const file = join(folder, 'report.html');
  await writeFile(file, await reportPage(await readRun(join(folder, 'maths'))));
  return file;
}

/** Opens the file; `heard` collects what the console says and what is requested besides the page itself. */
async function open(
  browser: Browser,
  file: string,
  options: object,
): Promise<{ page: Page; heard: string[] }> {
  const page = await browser.newPage({ ...options, bypassCSP: false });
  const heard: string[] = [];
  page.on('console', (message) => heard.push(message.text()));
  page.on('pageerror', (error) => heard.push(error.message));
  page.on('request', (request) => heard.push(request.url()));
  const { href } = pathToFileURL(file);
  await page.goto(href);
  return { page, heard: heard.filter((each) => each !== href) };
}

/** What axe-core calls serious or critical. */
async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const found = await page.evaluate<{
    violations: { id: string; impact: string; nodes: { target: string[] }[] }[];
  }>('axe.run()');
  return found.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`);
}

t.test(
  'the page in a browser',
  { skip: !existsSync(CHROMIUM) && `no Chromium at ${CHROMIUM}` },
  async (t) => {
    const file = await writePage(t);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    t.teardown(() => browser.close());
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1280, 390])
        await t.test(`${colorScheme}, ${width} pixels`, async (t) => {
          const { page, heard } = await open(browser, file, {
            colorScheme,
            viewport: { width, height: 900 },
          });
          t.strictSame(heard, [], 'no request, no word on the console');
          t.strictSame(await page.locator('main h2').allTextContents(), SECTIONS);
          t.ok((await page.locator('figure > svg').count()) >= 8, 'charts');
          await page.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = true))');
          t.equal(
            await page.evaluate('document.documentElement.scrollWidth'),
            width,
            'no scrolling sideways',
          );
          t.strictSame(await accessibilityFaults(page), []);
          await page.close();
        });
  },
);
