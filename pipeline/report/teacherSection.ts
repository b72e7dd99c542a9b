// The quantized teacher: what each kind of linear layer lost, over all decoder layers.
import type { Manifest } from '../artifact/manifest.ts';
import { qualityByKind, type LayerQuality } from '../teacher/teacherStatistics.ts';
import { recordsOf } from './jsonRecord.ts';
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
        { ...statistics, modules: qualityByKind(layersOf(statistics)) },
        { captions: { modules: 'Quantized layers' }, heading: 'kind' },
      ),
    ],
  };
}

function layersOf({ modules }: Manifest['statistics']): Record<string, LayerQuality> {
  return recordsOf(modules) as Record<string, LayerQuality>;
}
