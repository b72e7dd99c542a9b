// Questions from everyday life and science, written by hand: R1-Distill-SFT is not all mathematics. Each entry of the
// Markdown file has two wordings ("## question"), a train of thought, and an answer.
import { readFileSync } from 'node:fs';

export interface GeneralQuestion {
  questions: string[];
  thought: string;
  answer: string;
}

export function readGeneralQuestions(): GeneralQuestion[] {
  const text = readFileSync(new URL('generalQuestions.md', import.meta.url), 'utf8');
  return [...text.matchAll(/^((?:## .*\n)+)\nThink: (.*)\n\nAnswer: ([^]*?)\n(?=\n## |$(?![^]))/gm)].map(
    ([, headings, thought, answer]) => ({
      questions: headings!
        .trim()
        .split('\n')
        .map((heading) => heading.replace('## ', '')),
      thought: thought!,
      answer: answer!.trim(),
    }),
  );
}
