// What the next make would do, in make's own words: `make -n --debug=b` lists the commands it would run and, for each,
// why. Asking make itself means that the rules stand in one place, the Makefile.
import { UserError } from '../config/userError.ts';
import { runProgram } from '../setup/runProgram.ts';

/** An artifact that make would make. */
export interface StepAhead {
  /** The file that make goes by, such as `data/runs/r/mix/manifest.json`. */
  target: string;
  /** The script's name, such as `mix`. */
  stage: string;
  /** The file that is newer than the target; undefined when there is no target yet. */
  newer: string | undefined;
}

/**
 * The steps of `make` with these variables, in order.
 * @throws UserError with make's last line when it refuses.
 */
export async function makeAhead(variables: Record<string, string>): Promise<StepAhead[]> {
  const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  // Not the flags of a make that this one may run under, and the words that are looked for below.
  const env = { ...process.env, MAKEFLAGS: undefined, MAKELEVEL: undefined, MFLAGS: undefined, LC_ALL: 'C' };
  const made = await runProgram('make', ['-n', '--debug=b', 'all', ...given], { env });
  if (!made) throw new UserError({ problem: 'make not found', remedy: 'install GNU make' });
  if (made.code === 0) return parseDebug(made.stdout);
  throw new UserError({
    field: given.join(' '),
    problem: made.stderr.trim().split('\n').at(-1) ?? 'refused',
  });
}

/** Reads what `make -n --debug=b` prints. */
function parseDebug(text: string): StepAhead[] {
  const steps: StepAhead[] = [];
  const newer = new Map<string, string>();
  let target: string | undefined;
  for (const line of text.split('\n')) {
    const reason = /Prerequisite '(.+)' is newer than target '(.+)'\./.exec(line);
    if (reason && !newer.has(reason[2]!)) newer.set(reason[2]!, reason[1]!);
    target = /Must remake target '(.+)'\./.exec(line)?.[1] ?? target;
    const stage = /(?:^|\s)stages\/(\w+)\.ts\s/.exec(line)?.[1];
    if (stage !== undefined && target !== undefined)
      steps.push({ target, stage: stage === 'launch' ? 'logits' : stage, newer: newer.get(target) });
  }
  return steps;
}
