// metrics.jsonl as curves, a figure each: also of a training that is under way, whose last line may be half written.
import type { Json } from '../artifact/fingerprint.ts';
import { findText } from '../artifact/optionalFiles.ts';
import { UserError } from '../config/userError.ts';
import { isRecord, leavesOf } from './jsonRecord.ts';

/** A figure over the steps of a training; null where it was not finite. */
export type Curve = [step: number, value: number | null][];

/** The curves in a file by the names of their figures, members of records as `held_out.kl`; none without a file. */
export async function readCurves(file: string): Promise<Map<string, Curve>> {
  const lines = ((await findText(file)) ?? '').split('\n').slice(0, -1); // what has no newline yet is being written
  const curves = new Map<string, Curve>();
  for (const [i, line] of lines.entries())
    for (const [name, ...point] of figuresOf(line, `${file}:${i + 1}`)) {
      const curve = curves.get(name) ?? [];
      curve.push(point);
      curves.set(name, curve);
    }
  return curves;
}

/** The figures in a line of metrics.jsonl. */
function figuresOf(line: string, where: string): [name: string, step: number, value: number | null][] {
  const record = parsed(line);
  const step = isRecord(record) ? record.step : undefined;
  if (!isRecord(record) || typeof step !== 'number')
    throw new UserError({ file: where, problem: 'not a line of metrics', remedy: 'run "make train" again' });
  return leavesOf(record).flatMap(([name, value]) =>
    name !== 'step' && (typeof value === 'number' || value === null) ? [[name, step, value]] : [],
  );
}

function parsed(line: string): Json | undefined {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return undefined;
  }
}
