// A model's answers to all that a task asks, from the log where they stand there already. What runs together is decided
// by the requests alone: likelihoods in the batches they have anyway, generations in groups. A resumed evaluation leaves
// out whole batches and groups, so each of its answers is the one of an evaluation that was not interrupted.
import type { ChatTokenizer } from '../../mix/tokenizer.ts';
import type { Decoder } from '../../model/decoder.ts';
import type { AnswerLog } from './answerLog.ts';
import type {
  EvalItem,
  Generation,
  GenerationRequest,
  Likelihood,
  LikelihoodRequest,
} from '../prompts/evalItem.ts';
import { generateGreedily, type GeneratingOptions } from './generateGreedily.ts';
import type { Responses } from '../scores/itemScores.ts';
import { generationTokens, likelihoodTokens } from './requestTokens.ts';
import { scoreLikelihoods } from './scoreLikelihoods.ts';

/** Generations that are planned together: what a killed evaluation repeats at most. */
const GROUP = 64;

export type Answer = Likelihood | Generation;

/** Who is asked, and how. */
export interface Respondent {
  decoder: Decoder;
  tokenizer: ChatTokenizer;
  batchTokens: number;
  headBlock: number;
  generating: GeneratingOptions;
}

/**
 * Asks for what `log` does not hold yet.
 * @param respondent is loaded only if anything is left to ask
 * @param onProgress is told after each batch how many of the requests are answered
 * @returns the answers to each item's requests, in the order of the items
 */
export async function answerItems(
  items: readonly EvalItem[],
  {
    log,
    respondent,
    onProgress = () => undefined,
  }: {
    log: AnswerLog<Answer>;
    respondent: () => Promise<Respondent>;
    onProgress?: (answered: number, total: number) => void;
  },
): Promise<Responses[]> {
  const requests = items.flatMap((item): EvalItem['requests'][number][] => [...item.requests]);
  if (log.answers.size < requests.length)
    for await (const batch of answersOf(requests, log, await respondent())) {
      await log.append(batch);
      onProgress(log.answers.size, requests.length);
    }
  let next = 0;
  return items.map((item) => item.requests.map(() => log.answers.get(next++)!) as unknown as Responses);
}

type Batch = { index: number; answer: Answer }[];

async function* answersOf(
  requests: EvalItem['requests'][number][],
  { answers }: AnswerLog<Answer>,
  respondent: Respondent,
): AsyncGenerator<Batch> {
  if (requests[0]!.kind === 'loglikelihood')
    yield* likelihoods(requests as LikelihoodRequest[], answers, respondent);
  else yield* generations(requests as GenerationRequest[], answers, respondent);
}

async function* likelihoods(
  requests: LikelihoodRequest[],
  answers: AnswerLog<Answer>['answers'],
  { decoder, tokenizer, batchTokens, headBlock }: Respondent,
): AsyncGenerator<Batch> {
  const tokens = await likelihoodTokens(tokenizer, requests, {
    maxLength: decoder.config.maxPositionEmbeddings,
  });
  const isAnswered = (index: number) => answers.has(index);
  for await (const scored of scoreLikelihoods(decoder, tokens, { batchTokens, headBlock, isAnswered }))
    yield scored.map(({ index, likelihood }) => ({ index, answer: likelihood }));
}

/** Longest prompts first, so that a group's prompts are of similar length and memory shows at the start. */
async function* generations(
  requests: GenerationRequest[],
  answers: AnswerLog<Answer>['answers'],
  { decoder, tokenizer, generating }: Respondent,
): AsyncGenerator<Batch> {
  const tokens = await generationTokens(tokenizer, requests, {
    maxLength: decoder.config.maxPositionEmbeddings,
  });
  const order = [...tokens.keys()].sort((a, b) => tokens[b]!.ids.length - tokens[a]!.ids.length || a - b);
  for (let begin = 0; begin < order.length; begin += GROUP) {
    const group = order.slice(begin, begin + GROUP);
    if (group.every((index) => answers.has(index))) continue;
    const batch: Batch = [];
    const asked = group.map((index) => tokens[index]!);
    for await (const ended of generateGreedily(decoder, tokenizer, asked, generating))
      for (const { index, generation } of ended) batch.push({ index: group[index]!, answer: generation });
    yield batch;
  }
}
