// Filters: from what a model wrote to what is compared, as lm-evaluation-harness 0.4.13 does it. A task may name
// several; every metric is then reported once per filter.
import type { FilterStep, TaskFilter } from '../prompts/evalItem.ts';
import { findAll, pythonRegex } from './pythonRegex.ts';
import { strip } from '../prompts/pythonText.ts';

/** What stands in for a list of filters that a task does not give. */
export const NO_FILTER: TaskFilter = { name: 'none', steps: [] };

/** The text that the metrics see: `text` through all steps of a filter, in order. */
export function filterResponse(text: string, { steps }: TaskFilter): string {
  return steps.reduce(applyStep, text);
}

function applyStep(text: string, step: FilterStep): string {
  switch (step.function) {
    case 'regex':
      return extract(text, step);
    case 'remove_whitespace':
      return strip(text);
    case 'take_first':
      return text; // a request is answered once
  }
}

/** One match, counted from the end where `group_select` is negative, and its first group that is not empty. */
function extract(text: string, step: Extract<FilterStep, { function: 'regex' }>): string {
  const { regex_pattern, group_select = 0, fallback = '[invalid]' } = step;
  const matches = findAll(pythonRegex(regex_pattern), text);
  if (matches.length === 0) return fallback;
  const match = matches.at(group_select);
  if (match === undefined) throw new RangeError(`group_select ${group_select}: ${matches.length} matches`);
  const found = typeof match === 'string' ? match : match.find((group) => group !== '');
  return strip(found ?? fallback);
}
