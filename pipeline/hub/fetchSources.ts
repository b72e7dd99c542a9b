// The stage fetch: every reference of sources.yaml resolved, then noted in sources.json. What can go wrong comes before
// what takes long: whether the models go together is seen by their tokenizers alone, then come the datasets, then weights.
// What is there already is only looked at, so with nothing to do it ends at once and needs no network.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { loadTokenizer, sameVocabulary } from '../mix/tokenizer.ts';
import type { Progress } from '../terminal/stageProgress.ts';
import { resolveDataset } from './resolveDataset.ts';
import { describedFolder, resolveModel, resolveStudent, sourceName } from './resolveModel.ts';
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
  const isKnown =
    previous?.teacher.reference === sourceName(config.teacher) &&
    previous.student.reference === sourceName(config.student);
  const isChecked = !isKnown && (await haveOneVocabulary(config, progress));
  const datasets: Sources['datasets'] = {};
  for (const [name, source] of Object.entries(config.datasets))
    datasets[name] = await resolveDataset(source, {
      field: `datasets.${name}`,
      previous: previous?.datasets[name],
      progress,
    });
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
  const isNew = teacher !== previous?.teacher || student !== previous.student;
  if (isNew && !isChecked) await requireOneVocabulary(teacher, student);
  const sources = { teacher, student, datasets };
  await writeSources(out, sources);
  return sources;
}

/**
 * Whether the models were seen to have one vocabulary before their weights are fetched; false where that cannot be seen.
 * @throws UserError when they have not, or one of them cannot be had: better told before hours of downloads.
 */
async function haveOneVocabulary({ teacher, student }: SourcesConfig, progress: Progress): Promise<boolean> {
  const ofTeacher = await describedFolder(teacher, { field: 'teacher', progress });
  const ofStudent = await describedFolder(student, { field: 'student', progress });
  if (ofTeacher === undefined || ofStudent === undefined) return false;
  await requireOneVocabulary(
    { reference: sourceName(teacher), path: ofTeacher },
    { reference: sourceName(student), path: ofStudent },
  );
  return true;
}

type Described = Pick<ResolvedModel, 'reference' | 'path'>;

/** Logits are found by token number: better told now than after the teacher was quantized. */
async function requireOneVocabulary(teacher: Described, student: Described): Promise<void> {
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
function hasTokenizer({ path }: Described): boolean {
  return existsSync(join(path, 'tokenizer.json'));
}
