// The response as R1 itself writes it: its trace between think tags, then the answer. Datasets keep the two in columns,
// or set them off by markers of their own (OpenThoughts, Bespoke-Stratos), which no chat template knows; a model that
// learned those would never close the thinking that its template opens.

const beginOfThought = '<|begin_of_thought|>';
const endOfThought = '<|end_of_thought|>';
const solutionMarkers = ['<|begin_of_solution|>', '<|end_of_solution|>'];

/** A text in the form of OpenThoughts with think tags in place of its markers; others as they are. */
export function inThinkTags(text: string): string {
  const end = text.indexOf(endOfThought);
  if (end === -1 || !text.trimStart().startsWith(beginOfThought)) return text;
  const thought = text.slice(text.indexOf(beginOfThought) + beginOfThought.length, end);
  const answer = solutionMarkers.reduce(
    (rest, marker) => rest.replace(marker, ''),
    text.slice(end + endOfThought.length),
  );
  return `<think>\n${thought.trim()}\n</think>\n\n${answer.trim()}`;
}

/** Whether a system message asks for the markers that `inThinkTags` takes away. */
export function asksForMarkers(system: string): boolean {
  return system.includes(beginOfThought);
}

/** Whether an answer has a trace before it, be it one that was cut. */
export function bringsTrace(answer: string): boolean {
  return answer.includes('</think>') || answer.trimStart().startsWith('<think>');
}

/** Trace and answer as one response. A trace that ends with an answer of its own is the whole response. */
export function withTrace(trace: string, answer: string | undefined): string | undefined {
  if (answer !== undefined && bringsTrace(answer)) return answer;
  if (endsWithAnswer(trace)) return trace.trimStart().startsWith('<think>') ? trace : `<think>\n${trace}`;
  if (answer === undefined) return undefined;
  return `<think>\n${trace.replaceAll(/<\/?think>/g, '').trim()}\n</think>\n\n${answer}`;
}

function endsWithAnswer(trace: string): boolean {
  const end = trace.lastIndexOf('</think>');
  return end !== -1 && trace.slice(end + '</think>'.length).trim() !== '';
}
