// A damaged model answers everything, wrongly: its first value that is no number ends the evaluation.
import { UserError } from '../../config/userError.ts';

/** @throws UserError when one of the values that a model gave is NaN or infinite. */
export function requireFinite(values: ArrayLike<number>): void {
  if (Array.from(values).every(Number.isFinite)) return;
  throw new UserError({
    problem: 'the model gives a logit that is NaN or infinite',
    remedy: 'check the model: its weights may be damaged, or exceed what its dtype computes',
  });
}
