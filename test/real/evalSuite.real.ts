// The stage as a whole against lm_eval's logged runs (../shared/lm_eval/goldens) with SmolLM2-135M-Instruct in float32:
// prompts, log-likelihoods, answers and the scores of every item.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import t, { type Test } from 'tap';
import { evalConfig } from '../../pipeline/eval/evalConfig.ts';
import { evaluateModel } from '../../pipeline/eval/evaluateModel.ts';
import { samplesPath } from '../../pipeline/eval/scores/samplesFile.ts';
import { allOf, atMost } from './figures.ts';
import { RUN, without } from './needs.ts';
import { sharedData } from './sharedData.ts';

const GOLDENS = '../shared/lm_eval/goldens';
const MODEL = join(RUN, 'sources/teacher');

/** Its shots come from rows that ../shared lacks: compared by shots in evalPrompts, by contexts in evalLikelihood. */
const ELSEWHERE = 'winogrande5__winogrande.jsonl';

/** IFEval's key 1122 asks for the letter "#": the reference counts a letter it draws at random, we count "#". */
const RANDOM_LETTER = 1122;

/** How the logged runs differ from a task's own settings. */
const SETTINGS: Record<string, object> = {
  arc100: { num_fewshot: 0 },
  ifeval_chat: { apply_chat_template: true, max_gen_toks: 256 },
};

interface Logged {
  task: string;
  doc_id: number;
  doc: { key?: number };
  filter: string;
  requests?: { context: string; continuation: string; loglikelihood: number }[];
  context?: string;
  generation?: string;
  metrics: Record<string, unknown>;
}

interface Sample {
  doc_id: number;
  filter: string;
  arguments: Record<string, { arg_0: string; arg_1: unknown }>;
  resps: ([string] | [[string, string]])[];
  [metric: string]: unknown;
}

const names = without('fixtures') ? [] : readdirSync(GOLDENS).filter((name) => name !== ELSEWHERE);

for (const name of names)
  void t.test(name, { skip: without('fixtures', 'models') }, async (t) => {
    const logged = linesOf<Logged>(join(GOLDENS, name));
    const { task } = logged[0]!;
    const out = t.testdir();
    const limit = new Set(logged.map(({ doc_id }) => doc_id)).size;
    const settings = { tasks: [task], limit, data: sharedData, dtype: 'float32' };
    const config = evalConfig.parse({ ...settings, ...SETTINGS[name.split('__')[0]!] });
    await evaluateModel(config, { model: MODEL, out, mix: '', logits: '' });
    const ours = new Map(
      linesOf<Sample>(samplesPath(out, task)).map((sample) => [`${sample.doc_id} ${sample.filter}`, sample]),
    );
    compare(t, { task, pairs: logged.map((each) => [each, ours.get(`${each.doc_id} ${each.filter}`)!]) });
  });

function compare(t: Test, { task, pairs }: { task: string; pairs: [Logged, Sample][] }): void {
  const count = (holds: (logged: Logged, sample: Sample) => boolean) =>
    pairs.filter(([logged, sample]) => holds(logged, sample)).length;
  const samePrompts = count((logged, sample) => isDeepStrictEqual(promptsOf(sample), loggedPrompts(logged)));
  allOf(t, `${task}: items with the same prompts`, samePrompts, pairs.length);
  const differences = pairs.flatMap(([{ requests = [] }, { resps }]) =>
    requests.map(({ loglikelihood }, i) => Math.abs(Number(resps[i]![0][0]) - loglikelihood)),
  );
  if (differences.length > 0)
    atMost(t, `${task}: largest difference of a log-likelihood`, Math.max(...differences), 1e-3);
  else
    allOf(t, `${task}: same answers`, count(({ generation }, { resps }) => resps[0]![0] === generation), pairs.length); // prettier-ignore
  const scored = pairs.filter(([{ doc }]) => doc.key !== RANDOM_LETTER);
  const sameScores = scored.filter(([{ metrics }, sample]) =>
    Object.entries(metrics).every(([metric, value]) => isScore(sample[metric], value)),
  );
  allOf(t, `${task}: items with the same scores`, sameScores.length, scored.length);
}

/** Where Python has True, ours is 1; scores that are means of probabilities agree as far as those do. */
function isScore(ours: unknown, theirs: unknown): boolean {
  if (typeof theirs === 'boolean') return ours === Number(theirs);
  if (typeof ours === 'number' && typeof theirs === 'number') return Math.abs(ours - theirs) < 1e-4;
  return isDeepStrictEqual(ours, theirs);
}

function promptsOf({ arguments: asked }: Sample): unknown {
  return Object.values(asked).map(({ arg_0, arg_1 }) =>
    typeof arg_1 === 'string' ? [arg_0, arg_1] : [arg_0],
  );
}

function loggedPrompts({ requests, context }: Logged): unknown {
  return requests?.map((request) => [request.context, request.continuation]) ?? [[context]];
}

function linesOf<T>(file: string): T[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as T);
}
