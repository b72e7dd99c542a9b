// The mix stage at the size of the original: a million rows as in orca-math in Parquet (20,000 a row group; snappy,
// zstd) and a JSON array of 400 MB, 35,000 samples of each. Rows a second and the most memory the stage ever had.
//   REDISTILL_PYTHON=PYTHON node --import tsx test/bench/mixScale.ts TOKENIZER_FOLDER [--KEY VALUE ...]
// What follows the folder goes to the stage, so that any key of mix.yaml can be tried. PYTHON has pyarrow; the rows are
// kept in the temporary folder for the next time (REDISTILL_SCALE_ROWS and REDISTILL_SCALE_MB make fewer).
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sha256OfFile } from '../../pipeline/artifact/fingerprint.ts';
import { python } from '../needs.ts';
import { stageArguments } from '../runStage.ts';

const [tokenizer, ...flags] = process.argv.slice(2);
if (!tokenizer) throw new Error('name a folder with a tokenizer; see the top of this file');
const { REDISTILL_SCALE_ROWS: rows = '1000000', REDISTILL_SCALE_MB: megabytes = '400' } = process.env;
const folder = join(tmpdir(), `redistill-mix-${rows}-${megabytes}`);
if (!existsSync(join(folder, 'array.json')))
  spawnSync(python, ['test/bench/mixRows.py', folder, rows, megabytes], { stdio: 'inherit' });

/** Said by the process itself as it ends, as nobody else can know it then. */
const tellPeak =
  "import { readFileSync } from 'node:fs'; process.on('exit', () => console.error(readFileSync('/proc/self/status', 'utf8').match(/VmHWM.*/)[0]))";

for (const file of ['snappy.parquet', 'zstd.parquet', 'array.json']) await measure(file);

async function measure(file: string): Promise<void> {
  const run = join(folder, `run-${file}`);
  rmSync(run, { recursive: true, force: true });
  mkdirSync(run);
  const path = resolve(folder, file);
  const model = { reference: 'x', revision: null, path: 'x', fingerprint: 'x' };
  const files = [{ path, bytes: statSync(path).size, sha256: await sha256OfFile(path) }];
  const datasets = { rows: { reference: file, revision: null, files } };
  writeFileSync(
    join(run, 'sources.json'),
    JSON.stringify({ formatVersion: 1, teacher: model, student: model, datasets }),
  );
  const sources = { rows: { weight: 1, format: 'auto' } };
  writeFileSync(join(run, 'mix.yaml'), JSON.stringify({ total: 35000, max_tokens: 2048, sources })); // JSON is YAML
  const { seconds, peakBytes } = await runStage(run);
  console.log(`mix ${file}: ${seconds.toFixed(1)} s, peak memory ${(peakBytes / 2 ** 20).toFixed(0)} MiB`);
}

function runStage(run: string): Promise<{ seconds: number; peakBytes: number }> {
  const options = { config: join(run, 'mix.yaml'), tokenizer: tokenizer!, out: join(run, 'mix') };
  const hook = `data:text/javascript,${encodeURIComponent(tellPeak)}`;
  const start = performance.now();
  const stage = spawn(process.execPath, ['--import', hook, ...stageArguments('mix', options), ...flags], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let said = '';
  stage.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    process.stderr.write(text);
  });
  return new Promise((done, fail) => {
    stage.on('close', (code) => {
      const peak = /VmHWM:\s+(\d+) kB/.exec(said)?.[1];
      if (code !== 0) fail(new Error(`the stage ended with ${code}`));
      else done({ seconds: (performance.now() - start) / 1000, peakBytes: Number(peak) * 1024 });
    });
  });
}
