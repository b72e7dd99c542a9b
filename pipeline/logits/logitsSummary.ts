// What the stage tells of a finished cache: a line for each source, and for all.
import { textTable } from '../terminal/textTable.ts';
import type { Fidelity } from './fidelity.ts';
import type { LogitsStatistics, SourceStatistics } from './logitsStatistics.ts';

export function logitsSummary(statistics: LogitsStatistics): string {
  const { sources, total, fidelity = {}, vocabulary_size, draws } = statistics;
  const head = [
    ...['source', 'samples', 'tokens', 'mean k', 'bytes/token', 'mean tail', 'p99 tail'],
    ...['KL(live||cache)', 'KL(original||teacher)', 'same top-1'],
  ];
  const rows = Object.entries({ ...sources, total }).map(([name, source]) => [
    ...[name, ...sizesOf(source), ...figuresOf(fidelity[name])],
  ]);
  const compared = fidelity.total
    ? `the last three on ${fidelity.total.sequences} sequences, ${fidelity.total.tokens} tokens, KL in nats a token; `
    : '';
  const drawn = draws === undefined ? '' : `${draws} tokens drawn at each position; `;
  return `${textTable([head, ...rows])}${compared}${drawn}vocabulary ${vocabulary_size}`;
}

function sizesOf({ samples, tokens, mean_k, bytes_per_token, ...tail }: SourceStatistics) {
  const tails = [tail.mean_tail_mass, tail.p99_tail_mass].map((mass) => mass?.toPrecision(3) ?? '-');
  return [samples, tokens, mean_k.toFixed(1), bytes_per_token.toFixed(1), ...tails];
}

function figuresOf({ kl_live_cache, kl_original_teacher, top1_agreement }: Partial<Fidelity> = {}) {
  return [
    kl_live_cache?.toExponential(2) ?? '-',
    kl_original_teacher?.toPrecision(3) ?? '-',
    top1_agreement === undefined ? '-' : `${(100 * top1_agreement).toFixed(1)} %`,
  ];
}
