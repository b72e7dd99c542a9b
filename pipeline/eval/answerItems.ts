// The items of a task, put to a model: requests as tokens, scored or answered together, and handed back item by item as
// soon as all that an item asks is known, so that a caller can save what is done.
import type { ChatTokenizer } from '../mix/tokenizer.ts';
import type { Decoder } from '../model/decoder.ts';
import type { EvalItem, Generation, GenerationRequest, Likelihood, LikelihoodRequest } from './evalItem.ts';
import { generateGreedily, type GeneratingOptions } from './generateGreedily.ts';
import { generationTokens, likelihoodTokens } from './requestTokens.ts';
import { scoreLikelihoods, type ScoringOptions } from './scoreLikelihoods.ts';

export interface AnsweringOptions extends ScoringOptions, GeneratingOptions {
  /** Tokens that the model holds; those of its config.json unless told otherwise. */
  maxLength?: number;
}

/** An item with the answers to its requests, in their order. */
export interface AnsweredItem {
  item: EvalItem;
  answers: Likelihood[] | Generation[];
}

/** Puts items to a model; those of one task together, as they have beginnings in common. Order is not kept. */
export async function* answerItems(
  { decoder, tokenizer }: { decoder: Decoder; tokenizer: ChatTokenizer },
  items: readonly EvalItem[],
  options: AnsweringOptions = {},
): AsyncGenerator<AnsweredItem[]> {
  const { maxLength = decoder.config.maxPositionEmbeddings } = options;
  const scored = itemsOf(items, isScored);
  const tokens = await likelihoodTokens(tokenizer, scored.requests, { maxLength });
  for await (const batch of scoreLikelihoods(decoder, tokens, options))
    yield* scored.completedBy(batch.map(({ index, likelihood }) => ({ index, answer: likelihood })));
  const written = itemsOf(items, isWritten);
  const contexts = await generationTokens(tokenizer, written.requests, { maxLength });
  for await (const batch of generateGreedily(decoder, tokenizer, contexts, options))
    yield* written.completedBy(batch.map(({ index, generation }) => ({ index, answer: generation })));
}

type AnyRequest = LikelihoodRequest | GenerationRequest;
const isScored = (request: AnyRequest): request is LikelihoodRequest => request.kind === 'loglikelihood';
const isWritten = (request: AnyRequest): request is GenerationRequest => request.kind === 'generate_until';

/** The requests of one kind, and the items whose last answer has come. */
function itemsOf<R extends AnyRequest>(
  items: readonly EvalItem[],
  isOfKind: (request: AnyRequest) => request is R,
) {
  const places = items.flatMap((item) =>
    item.requests.flatMap((request, place) => (isOfKind(request) ? [{ item, request, place }] : [])),
  );
  const open = new Map(
    places.map(({ item }) => [
      item,
      { answers: [] as (Likelihood | Generation)[], left: item.requests.length },
    ]),
  );
  function* completedBy(
    batch: readonly { index: number; answer: Likelihood | Generation }[],
  ): Generator<AnsweredItem[]> {
    const completed: AnsweredItem[] = [];
    for (const { index, answer } of batch) {
      const { item, place } = places[index]!;
      const entry = open.get(item)!;
      entry.answers[place] = answer;
      entry.left--;
      if (entry.left === 0) completed.push({ item, answers: entry.answers as AnsweredItem['answers'] });
    }
    if (completed.length > 0) yield completed;
  }
  return { requests: places.map(({ request }) => request), completedBy };
}
