// results.json: the scores of an evaluation, laid out as lm-evaluation-harness 0.4.13 does, so that what reads its files
// reads this one.
import { join } from 'node:path';
import type { FileRecord } from '../../artifact/commitFile.ts';
import { commitJson, readJsonObject } from '../../artifact/jsonFile.ts';
import { UserError } from '../../config/userError.ts';
import type { EvaluationResults } from './evaluationResults.ts';

/** Commits `out`/results.json. */
export function writeResults(out: string, results: EvaluationResults): Promise<FileRecord> {
  return commitJson(join(out, 'results.json'), results);
}

/** Reads `out`/results.json. @throws UserError when it is missing or holds no scores. */
export async function readResults(out: string): Promise<EvaluationResults> {
  const file = join(out, 'results.json');
  const content = await readJsonObject(file);
  if (!content) throw new UserError({ file, problem: 'there is no such file', remedy: 'run "make eval"' });
  if (typeof content.results !== 'object' || content.results === null)
    throw new UserError({ file, field: 'results', problem: 'expected the scores of an evaluation' });
  return content as EvaluationResults;
}
