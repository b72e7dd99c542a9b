// What a mix leaves out, on real text: copies, near-copies and benchmark items planted among the training rows of GSM8K,
// found again in rejected.jsonl of the whole stage. What is similar and what overlaps is computed here from the texts
// themselves; recall and false positives are printed.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import t from 'tap';
import { taskCatalog } from '../../pipeline/eval/prompts/taskCatalog.ts';
import { validate } from '../../pipeline/config/loadConfig.ts';
import { makeMix } from '../../pipeline/mix/makeMix.ts';
import type { MixStatistics } from '../../pipeline/mix/mixStatistics.ts';
import { mixConfig } from '../../pipeline/mix/mixConfig.ts';
import type { Rejection } from '../../pipeline/mix/rejection.ts';
import { sha256Of } from '../fileBytes.ts';
import { nGrams, similarityOf } from '../nGrams.ts';
import { allOf, show } from './figures.ts';
import { plantedItems, type PlantedItem } from './plantedItems.ts';
import { SHARED, sharedData } from './sharedData.ts';

/** Items found, at least, of 40 of ten benchmarks; those missed are questions of fewer than 8 words with other choices. */
const leastFound: Partial<Record<PlantedItem['form'], number>> = {
  verbatim: 40,
  'in other case and punctuation': 40,
  'within longer text': 38,
  'with their choices under letters': 38,
};

/** A row of the datasets of this test, and what is expected of it. */
interface PlantedRow {
  q: string;
  a: string;
  /** The index of the training row that it repeats, and how similar the two are. */
  repeats?: { row: number; similarity: number };
  item?: PlantedItem;
}

const { tasks } = await taskCatalog();
const random = xoroshiro128plus(11);
const pick = <T>(list: readonly T[]): T => list[uniformInt(random, 0, list.length - 1)]!;
const textOf = ({ q, a }: { q: string; a: string }) => `${q}\n${a}`;

void t.test(
  'planted copies, near-copies and benchmark items',
  { skip: existsSync(SHARED) ? false : 'needs ../shared' },
  async (t) => {
    const train = trainingRows();
    const rows: PlantedRow[] = [
      ...copies(train),
      ...nearCopies(train),
      ...plantedItems(train).map((item) => ({ ...item, item })),
    ];
    const folder = t.testdir({});
    sourcesIn(folder, { a_train: train, b_planted: rows });
    const started = performance.now();
    const { manifest } = await makeMix({
      config: config(),
      tokenizerFolder: 'test/golden/mix/tiny-chatml',
      out: join(folder, 'mix'),
    });
    show(
      `${train.length + rows.length} rows through the stage: ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
    const lines = readFileSync(join(folder, 'mix/rejected.jsonl'), 'utf8').trim().split('\n');
    const rejections = lines.map((line) => JSON.parse(line) as Rejection);
    const planted = new Map(
      rejections.filter(({ source }) => source === 'b_planted').map((each) => [each.row, each]),
    );
    const ofTrain = rejections.filter(({ source }) => source === 'a_train');

    await t.test('copies', (t) => {
      const found = rows.filter(
        (row, i) => row.repeats?.similarity === 1 && planted.get(i)?.reason === 'duplicate',
      );
      allOf(t, 'copies found, white space and case changed or not', found.length, 200);
      t.end();
    });

    await t.test('near-copies, by their exact similarity', (t) => {
      const near = rows
        .map((row, i) => ({ row, rejection: planted.get(i) }))
        .filter(({ row }) => row.repeats && row.repeats.similarity < 1);
      t.equal(near.length, 200);
      for (const [from, to] of [
        [0.9, 1],
        [0.8, 0.9],
        [0.7, 0.8],
        [0, 0.7],
      ] as const) {
        const bin = near.filter(({ row }) => row.repeats!.similarity >= from && row.repeats!.similarity < to);
        const found = bin.filter(({ rejection }) => rejection?.reason === 'near_duplicate');
        if (from >= 0.8) allOf(t, `near-copies of ${from} to ${to} found`, found.length, bin.length);
        else allOf(t, `near-copies of ${from} to ${to} kept`, bin.length - found.length, bin.length);
      }
      const right = near.filter(({ row, rejection }) => {
        if (!rejection || !('similarity' in rejection)) return false;
        return (
          rejection.of.row === row.repeats!.row &&
          Math.abs(rejection.similarity - row.repeats!.similarity) < 1e-4
        );
      });
      allOf(
        t,
        'of these, named with the row they repeat and its similarity',
        right.length,
        near.filter(({ rejection }) => rejection).length,
      );
      t.end();
    });

    await t.test('pairs of training rows that are similar without having been planted', (t) => {
      const twins = similarPairs(train.map(textOf));
      const found = ofTrain.filter(({ reason }) => reason.includes('duplicate'));
      allOf(
        t,
        `training rows turned down as duplicates (${twins.length} similar pairs)`,
        train.length - found.length,
        train.length - twins.length,
      );
      t.end();
    });

    await t.test('benchmark items', (t) => {
      const items = rows.flatMap(({ item }, i) => (item ? [{ ...item, rejection: planted.get(i) }] : []));
      const isFound = ({ task, rejection }: (typeof items)[number]) =>
        rejection !== undefined &&
        'items' in rejection &&
        Object.keys(rejection.items).some((name) => name.startsWith(task));
      for (const [form, least] of Object.entries(leastFound)) {
        const own = items.filter((item) => item.form === form);
        const found = own.filter(isFound).length;
        const missed = own.filter((item) => !isFound(item)).map(({ task }) => task);
        const names = missed.length > 0 ? `, not all of ${[...new Set(missed)].join(', ')}` : '';
        show(`items ${form}: ${found} of ${own.length} found${names}`);
        t.equal(own.length, 40);
        t.ok(found >= least, `${found} at least ${least}`);
      }
      const reworded = items.filter(({ form }) => form === 'in other words');
      t.strictSame(reworded.filter(isFound), [], 'other words are not recognized, and not expected to be');
      const ofGsm8k = items.filter(({ task, form }) => task === 'gsm8k' && form !== 'in other words');
      allOf(t, 'of these, items of GSM8K found', ofGsm8k.filter(isFound).length, ofGsm8k.length);
      const overlapping = ofTrain.filter(({ reason }) => reason === 'benchmark_overlap');
      const tests = jsonLines(`${SHARED}/gsm8k/test.jsonl`).map(({ question, answer }) =>
        wordRuns(`${question} ${answer}`),
      );
      const shared = overlapping.filter(({ row }) => {
        const own = wordRuns(textOf(train[row]!));
        return tests.some((runs) => [...runs].some((run) => own.has(run)));
      });
      allOf(
        t,
        'training rows turned down that do share 13 words with an item of GSM8K',
        shared.length,
        overlapping.length,
      );
      show(`training rows turned down: ${overlapping.length} of ${train.length}`);
      t.end();
    });
    const { benchmarks, sources } = manifest.statistics as MixStatistics;
    t.equal(benchmarks.gsm8k!.rows.a_train, sources.a_train!.rejected.benchmark_overlap);
  },
);

function config() {
  const source = { count: 8000, format: 'columns', columns: { prompt: 'q', response: 'a' } };
  const decontaminate = {
    tasks: [
      ...Object.keys(sharedData).filter(isWhole),
      ...parts('mmlu', 'mmlu/test'),
      ...parts('leaderboard_bbh', 'bbh'),
    ],
    data: sharedData,
  };
  const given = {
    total: 16000,
    max_tokens: 100000,
    decontaminate,
    sources: { a_train: source, b_planted: source },
  };
  return validate(mixConfig, given, () => 'mix.yaml');
}

/** Groups of which only some tasks lie in ../shared are asked for by these. */
function isWhole(task: string): boolean {
  return task !== 'mmlu' && task !== 'leaderboard_bbh';
}

/** dyck_languages and the like are no tasks of the leaderboard's group. */
function parts(group: string, folder: string): string[] {
  const named = readdirSync(join(SHARED, folder)).map((file) => `${group}_${file.replace('.jsonl', '')}`);
  return named.filter((name) => tasks.has(name));
}

function trainingRows(): PlantedRow[] {
  return jsonLines(`${SHARED}/gsm8k/train.jsonl`).map(({ question, answer }) => ({
    q: question!,
    a: answer!,
  }));
}

/** 200 rows again, half of them in other case and white space. */
function copies(train: readonly PlantedRow[]): PlantedRow[] {
  return Array.from({ length: 200 }, (_, i) => {
    const row = 3000 + 7 * i;
    const { q, a } = train[row]!;
    const repeats = { row, similarity: 1 };
    if (i % 2 === 0) return { q, a, repeats };
    return { q: `  ${q.toUpperCase().replaceAll(' ', '  ')}\n`, a: a.replaceAll(' ', '\n'), repeats };
  });
}

/** 200 rows with 1 in 200 to 1 in 12 of their words replaced by words of other rows; one word at least. */
function nearCopies(train: readonly PlantedRow[]): PlantedRow[] {
  return Array.from({ length: 200 }, (_, i) => {
    const row = 5000 + 7 * i;
    const original = train[row]!;
    const edits = 1 + Math.round(textOf(original).split(/\s+/).length / pick([200, 100, 50, 25, 12]));
    const words = original.q.split(' ');
    for (let n = 0; n < edits; n++)
      words[uniformInt(random, 0, words.length - 1)] = pick(pick(train).q.split(' '));
    const edited = { q: words.join(' '), a: original.a };
    return { ...edited, repeats: { row, similarity: similarityOf(textOf(edited), textOf(original), 5) } };
  });
}

/** All pairs of texts that are similar, counted from the n-grams that they have in common. */
function similarPairs(texts: readonly string[]): [number, number][] {
  const owners = new Map<string, number[]>();
  const sets = texts.map((text) => nGrams(text, 5));
  return sets.flatMap((own, i) => {
    const common = new Map<number, number>();
    for (const gram of own) {
      for (const j of owners.get(gram) ?? []) common.set(j, (common.get(j) ?? 0) + 1);
      owners.set(gram, [...(owners.get(gram) ?? []), i]);
    }
    const similar = [...common].filter(([j, count]) => count / (own.size + sets[j]!.size - count) >= 0.8);
    return similar.map(([j]): [number, number] => [j, i]);
  });
}

/** The runs of 13 words of a text, without punctuation, and a shorter text as a whole. */
function wordRuns(text: string): Set<string> {
  return nGrams(text.replaceAll(/['’]/g, '').replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, ' '), 13);
}

function jsonLines(file: string): Record<string, string>[] {
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, string>);
}

/** A folder with sources.json over datasets of one file each. */
function sourcesIn(folder: string, datasets: Record<string, readonly PlantedRow[]>): void {
  const model = { reference: 'x', revision: null, path: 'x', fingerprint: 'x' };
  const described = Object.entries(datasets).map(([name, rows]) => {
    const path = join(folder, `${name}.jsonl`);
    const text = rows.map(({ q, a }) => JSON.stringify({ q, a }) + '\n').join('');
    writeFileSync(path, text);
    const file = { path, bytes: Buffer.byteLength(text), sha256: sha256Of(Buffer.from(text)) };
    return [name, { reference: name, revision: null, files: [file] }] as const;
  });
  const sources = {
    formatVersion: 1,
    teacher: model,
    student: model,
    datasets: Object.fromEntries(described),
  };
  writeFileSync(join(folder, 'sources.json'), JSON.stringify(sources));
}
