// The quantized teacher: what each kind of linear layer lost, over all decoder layers.
import { recordsOf, type JsonRecord } from './jsonRecord.ts';
import { markup } from './markup.ts';
import type { Run } from './readRun.ts';
import { missing, staleInputs, type Section } from './section.ts';
import { statisticsTables } from './statisticsTables.ts';

/** Bits, group size, size and error by kind of module. */
export function teacherSection(run: Run): Section {
  const section = { id: 'teacher', title: 'The teacher' };
  if (!run.teacher) return { ...section, content: missing(run, 'teacher') };
  const { statistics } = run.teacher;
  return {
    ...section,
    content: [
      markup`<p>Its linear layers are quantized by HQQ. The error is that of the weights, relative, in the Frobenius norm.</p>\n`,
      staleInputs(run, { name: 'teacher', manifest: run.teacher, model: run.sources?.teacher.fingerprint }),
      statisticsTables(
        { ...statistics, modules: byKind(recordsOf(statistics.modules)) },
        { captions: { modules: 'Quantized layers' }, heading: 'kind' },
      ),
    ],
  };
}

/** The modules gathered by their name within a decoder layer. */
function byKind(modules: Record<string, JsonRecord>): JsonRecord {
  const kinds = new Map<string, JsonRecord[]>();
  for (const [name, module] of Object.entries(modules)) {
    const kind = name.replace(/^model\.layers\.\d+\./, '');
    kinds.set(kind, [...(kinds.get(kind) ?? []), module]);
  }
  return Object.fromEntries([...kinds].map(([kind, members]) => [kind, summaryOf(members)]));
}

function summaryOf(modules: readonly JsonRecord[]): JsonRecord {
  const numbers = (key: string) => modules.map((module) => Number(module[key]));
  const distinct = (key: string) => [...new Set(numbers(key))].join(', ');
  const sum = (key: string) => numbers(key).reduce((total, value) => total + value, 0);
  return {
    layers: modules.length,
    bits: distinct('bits'),
    group_size: distinct('group_size'),
    weights: sum('weights'),
    bytes: sum('bytes'),
    mean_relative_error: sum('relative_error') / modules.length,
    max_relative_error: Math.max(...numbers('relative_error')),
  };
}
