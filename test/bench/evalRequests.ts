// Our side of evalSpeed.ts: the requests that lm_eval was asked, tokenized and answered. Prints seconds, peak memory and
// how far the answers are apart.
//   node --import tsx test/bench/evalRequests.ts MODEL REQUESTS float32|bfloat16
import { readFileSync } from 'node:fs';
import type { GenerationRequest, LikelihoodRequest } from '../../pipeline/eval/prompts/evalItem.ts';
import { generateGreedily } from '../../pipeline/eval/answers/generateGreedily.ts';
import { generationTokens, likelihoodTokens } from '../../pipeline/eval/answers/requestTokens.ts';
import { scoreLikelihoods } from '../../pipeline/eval/answers/scoreLikelihoods.ts';
import { loadTokenizer } from '../../pipeline/mix/tokenizer.ts';
import { loadDecoder } from '../../pipeline/model/loadDecoder.ts';

type Asked =
  | { arguments: [string, string]; answer: [number, boolean] }
  | { arguments: [string, { until: string[]; max_gen_toks?: number }]; answer: string };

const [model, requestsFile, dtype] = process.argv.slice(2) as [string, string, 'float32' | 'bfloat16'];
const asked = JSON.parse(readFileSync(requestsFile, 'utf8')) as Asked[];
const decoder = await loadDecoder(model, { dtype });
const tokenizer = await loadTokenizer(model);
const { maxPositionEmbeddings: maxLength } = decoder.config;

const start = performance.now();
const difference = await compare();
console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));
console.log(JSON.stringify({ difference }));
const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))!;
console.log(JSON.stringify({ peakBytes: Number(kilobytes) * 1024 }));

/** The largest difference of a log-likelihood, or the share of answers that differ. */
async function compare(): Promise<number> {
  const likelihoods = asked.flatMap(({ arguments: [context, continuation] }): LikelihoodRequest[] =>
    typeof continuation === 'string' ? [{ kind: 'loglikelihood', context, continuation }] : [],
  );
  const generations = asked.flatMap(({ arguments: [context, options] }): GenerationRequest[] =>
    typeof options === 'string'
      ? []
      : [
          {
            kind: 'generate_until',
            context,
            until: options.until,
            maxNewTokens: options.max_gen_toks ?? 256,
          },
        ],
  );
  const answers = asked.map(({ answer }) => answer);
  let largest = 0;
  const scored = await likelihoodTokens(tokenizer, likelihoods, { maxLength });
  for await (const batch of scoreLikelihoods(decoder, scored))
    for (const { index, likelihood } of batch)
      largest = Math.max(largest, Math.abs(likelihood.logLikelihood - Number(answers[index]![0])));
  let different = 0;
  const continued = await generationTokens(tokenizer, generations, { maxLength });
  for await (const batch of generateGreedily(decoder, tokenizer, continued))
    for (const { index, generation } of batch) different += Number(generation.text !== answers[index]);
  return generations.length > 0 ? different / generations.length : largest;
}
