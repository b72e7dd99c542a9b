// The stage fetch: every reference of sources.yaml resolved, then noted in sources.json.
// What is there already is only looked at, so with nothing to do it ends at once and needs no network.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { loadTokenizer, sameVocabulary } from '../mix/tokenizer.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { resolveDataset } from './resolveDataset.ts';
import { resolveModel, resolveStudent } from './resolveModel.ts';
import type { SourcesConfig } from './sourcesConfig.ts';
import { readSources, writeSources, type ResolvedModel, type Sources } from './sourcesFile.ts';

/**
 * Resolves all sources and writes `out/sources.json` with its symlinks; nothing is written if one cannot be had.
 * @param progress is told of each download.
 * @throws UserError naming the reference at fault.
 */
export async function fetchSources({
  config,
  out,
  progress = () => undefined,
}: {
  config: SourcesConfig;
  out: string;
  progress?: Progress;
}): Promise<Omit<Sources, 'formatVersion'>> {
  const previous = await readSources(out).catch(() => undefined); // an unreadable one is made anew
  const teacher = await resolveModel(config.teacher, {
    field: 'teacher',
    previous: previous?.teacher,
    progress,
  });
  const student = await resolveStudent(config.student, {
    field: 'student',
    teacher,
    previous: previous?.student,
    progress,
  });
  if (teacher !== previous?.teacher || student !== previous.student)
    await requireOneVocabulary(teacher, student);
  const datasets: Sources['datasets'] = {};
  for (const [name, source] of Object.entries(config.datasets))
    datasets[name] = await resolveDataset(source, {
      field: `datasets.${name}`,
      previous: previous?.datasets[name],
      progress,
    });
  const sources = { teacher, student, datasets };
  await writeSources(out, sources);
  return sources;
}

/** Logits are found by token number: better told now than after the teacher was quantized. */
async function requireOneVocabulary(teacher: ResolvedModel, student: ResolvedModel): Promise<void> {
  if (teacher.path === student.path || !hasTokenizer(teacher) || !hasTokenizer(student)) return;
  const [a, b] = [await loadTokenizer(teacher.path), await loadTokenizer(student.path)];
  const result = sameVocabulary(a, b);
  if (result.same) return;
  throw new UserError({
    field: 'student',
    value: student.reference,
    problem: `not the vocabulary of the teacher (${teacher.reference}): ${result.difference}`,
    remedy: 'take teacher and student of one family',
  });
}

/** Of a model without one the stage logits compares what it finds. */
function hasTokenizer({ path }: ResolvedModel): boolean {
  return existsSync(join(path, 'tokenizer.json'));
}
