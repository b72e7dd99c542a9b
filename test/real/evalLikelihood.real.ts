// The scoring engine with SmolLM2-135M-Instruct in float32 against every golden of lm-evaluation-harness 0.4.13, on
// the goldens' own contexts and continuations: token ids, log-likelihoods within 1e-3, greedy or not, answers.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { generateGreedily } from '../../pipeline/eval/answers/generateGreedily.ts';
import { readGenerationSettings } from '../../pipeline/eval/answers/generationSettings.ts';
import { generationTokens, likelihoodTokens } from '../../pipeline/eval/answers/requestTokens.ts';
import { scoreLikelihoods } from '../../pipeline/eval/answers/scoreLikelihoods.ts';
import { loadTokenizer, type ChatTokenizer } from '../../pipeline/mix/tokenizer.ts';
import type { Decoder } from '../../pipeline/model/decoder.ts';
import { disposeDecoder, loadDecoder } from '../../pipeline/model/loadDecoder.ts';
import { allOf, atMost } from './figures.ts';
import { RUN, without } from './needs.ts';

const GOLDENS = '../shared/lm_eval/goldens';
const folder = join(RUN, 'sources/teacher');

interface LikelihoodGolden {
  context: string;
  continuation: string;
  context_ntok: number;
  continuation_ids: number[];
  loglikelihood: number;
  is_greedy: boolean;
}

interface GenerationGolden {
  context: string;
  context_ntok: number;
  gen_kwargs: { until: string[]; max_gen_toks?: number };
  generation: string;
  filter: string;
}

type Golden = { requests: LikelihoodGolden[] } | GenerationGolden;
interface Scene {
  decoder: Decoder;
  tokenizer: ChatTokenizer;
  maxLength: number;
}

void t.test('every golden', { skip: without('fixtures', 'models') }, async (t) => {
  const decoder = await loadDecoder(folder, { dtype: 'float32' });
  const tokenizer = await loadTokenizer(folder);
  const scene: Scene = { decoder, tokenizer, maxLength: decoder.config.maxPositionEmbeddings };
  for (const file of readdirSync(GOLDENS)) {
    const lines = readFileSync(join(GOLDENS, file), 'utf8').trim().split('\n');
    const goldens = lines.map((line) => JSON.parse(line) as Golden);
    const task = file.replace(/^.*__|\.jsonl$/g, '');
    const likelihoods = goldens.flatMap((golden) => ('requests' in golden ? golden.requests : []));
    const generations = goldens.flatMap(
      (golden) => ('requests' in golden || golden.filter === 'flexible-extract' ? [] : [golden]), // one line for each filter
    );
    if (likelihoods.length > 0) await compareLikelihoods(t, task, likelihoods, scene);
    if (generations.length > 0) await compareGenerations(t, task, generations, scene);
  }
  disposeDecoder(decoder);
});

async function compareLikelihoods(
  t: Test,
  task: string,
  goldens: LikelihoodGolden[],
  scene: Scene,
): Promise<void> {
  const requests = goldens.map((golden) => ({ kind: 'loglikelihood', ...golden }) as const);
  const tokens = await likelihoodTokens(scene.tokenizer, requests, scene);
  const sameIds = tokens.filter(({ ids, targets }, i) => {
    const { context_ntok, continuation_ids } = goldens[i]!;
    return ids.length - targets === context_ntok && ids.subarray(-targets).join() === continuation_ids.join();
  });
  allOf(t, `${task}: requests with the same token ids`, sameIds.length, goldens.length);
  let worst = 0;
  let sameGreedy = 0;
  for await (const scored of scoreLikelihoods(scene.decoder, tokens))
    for (const { index, likelihood } of scored) {
      const { loglikelihood, is_greedy } = goldens[index]!;
      worst = Math.max(worst, Math.abs(likelihood.logLikelihood - loglikelihood));
      sameGreedy += Number(likelihood.isGreedy === is_greedy);
    }
  atMost(t, `${task}: largest difference of a log-likelihood`, worst, 1e-3);
  allOf(t, `${task}: requests that are as greedy`, sameGreedy, goldens.length);
}

async function compareGenerations(
  t: Test,
  task: string,
  goldens: GenerationGolden[],
  scene: Scene,
): Promise<void> {
  const requests = goldens.map(
    ({ context, gen_kwargs: { until, max_gen_toks = 256 } }) =>
      ({ kind: 'generate_until', context, until, maxNewTokens: max_gen_toks }) as const,
  );
  const { decoder, tokenizer } = scene;
  const tokens = await generationTokens(tokenizer, requests, scene);
  const sameLength = tokens.filter(({ ids }, i) => ids.length === goldens[i]!.context_ntok);
  allOf(t, `${task}: contexts of as many tokens`, sameLength.length, goldens.length);
  let same = 0;
  const settings = await readGenerationSettings(folder);
  for await (const answers of generateGreedily(decoder, tokenizer, tokens, settings))
    for (const { index, generation } of answers) {
      const isSame = generation.text === goldens[index]!.generation;
      same += Number(isSame);
      if (!isSame) t.comment(`${task} ${index}: ${JSON.stringify(generation.text)}`);
    }
  allOf(t, `${task}: the same answers`, same, goldens.length);
}
