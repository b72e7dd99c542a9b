// Exercises without much arithmetic: orders, calendars, eliminations, patterns, coins, schedules.
import { capitalized, counted, listed, measured, ordinal, spelled } from './english.ts';
import type { ExerciseFamily } from './exercise.ts';
import { range, sum } from './math/numbers.ts';
import { MONTHS, people, person, WEEKDAYS } from './people.ts';

export const PUZZLE_FAMILIES: readonly ExerciseFamily[] = [
  function whoIsWhere(r) {
    const [a, b, c, d] = people(r, 4);
    const [more, most, least] = r.pick<[string, string, string]>([
      ['taller than', 'tallest', 'shortest'],
      ['older than', 'oldest', 'youngest'],
      ['faster than', 'fastest', 'slowest'],
    ]);
    const clues = r.shuffle([
      `${a.name} is ${more} ${b.name}.`,
      `${b.name} is ${more} ${c.name}.`,
      `${c.name} is ${more} ${d.name}.`,
    ]);
    const top = r.chance(0.5);
    return {
      topic: 'logic',
      questions: [
        `${clues.join(' ')} Who is the ${top ? most : least} of the four?`,
        `Four friends compare themselves. ${clues.join(' ')} Which of them is the ${top ? most : least}?`,
      ],
      goal: `the ${top ? most : least} person`,
      idea: 'Chain the comparisons into one line.',
      steps: [
        `The clue about ${a.name} and ${b.name} puts ${a.name} before ${b.name}.`,
        `${c.name} comes after ${b.name}, and ${d.name} comes after ${c.name}.`,
        `The complete order is ${a.name}, ${b.name}, ${c.name}, ${d.name}.`,
        `So ${(top ? a : d).name} is the ${top ? most : least}.`,
      ],
      checks: [`Each clue compares neighbors in this line, and none of them is violated`],
      doubt: 'Does the order in which the clues are given matter? No, only what they say.',
      verdict: `${(top ? a : d).name} is the ${top ? most : least}.`,
      answer: (top ? a : d).name,
    };
  },

  function weekdayLater(r) {
    const today = r.int(0, 6);
    const days = r.int(20, 250);
    const rest = days % 7;
    const later = WEEKDAYS[(today + rest) % 7]!;
    const event = r.pick([
      'the concert',
      'the exam',
      'the trip',
      'the wedding',
      'the final match',
      'the exhibition',
    ]);
    return {
      topic: 'calendar',
      questions: [
        `Today is ${WEEKDAYS[today]!}. In exactly ${days} days, ${event} takes place. On which day of the week is that?`,
        `If today is ${WEEKDAYS[today]!}, what day of the week will it be ${days} days from now?`,
      ],
      goal: `the day of the week in ${days} days`,
      idea: 'Whole weeks lead back to the same weekday, so only the remainder after division by 7 matters.',
      steps: [
        `Dividing by 7 gives ${Math.floor(days / 7)} * 7 = ${Math.floor(days / 7) * 7}, and ${days} - ${Math.floor(days / 7) * 7} = ${rest}.`,
        rest === 0
          ? 'The remainder is 0, so the weekday does not change.'
          : `So we move on by ${counted(rest, 'day')} from ${WEEKDAYS[today]!}.`,
        `That is a ${later}.`,
      ],
      checks: [
        `Counting one week at a time, ${counted(Math.floor(days / 7), 'week')} from today is a ${WEEKDAYS[today]!} again`,
      ],
      verdict: `It will be a ${later}.`,
      answer: later,
    };
  },

  function whoOwnsWhat(r) {
    const [a, b, c] = people(r, 3);
    const [x, y, z] = r.sample(
      ['a cat', 'a dog', 'a parrot', 'a turtle', 'a hamster', 'a goldfish', 'a rabbit'],
      3,
    );
    return {
      topic: 'logic',
      questions: [
        `${a.name}, ${b.name}, and ${c.name} each have one pet: ${x}, ${y}, and ${z}, though not in this order. ${a.name} does not have ${x}. ${b.name} has neither ${x} nor ${y}. Which pet belongs to ${a.name}?`,
        `Three children own ${x}, ${y}, and ${z}, one pet each. ${b.name} owns neither ${x} nor ${y}, and ${a.name} does not own ${x}. The third child is ${c.name}. What pet does ${a.name} own?`,
      ],
      goal: `the pet of ${a.name}`,
      idea: 'Start with the person for whom most possibilities are excluded.',
      steps: [
        `${b.name} has neither ${x} nor ${y}, so ${b.name} must have ${z}.`,
        `That leaves ${x} and ${y} for ${a.name} and ${c.name}.`,
        `${a.name} does not have ${x}, so ${a.name} has ${y}.`,
        `${c.name} is left with ${x}.`,
      ],
      checks: [`Every child has exactly one pet: ${a.name} ${y}, ${b.name} ${z}, and ${c.name} ${x}`],
      doubt: `Could ${a.name} have ${z} instead? No, that one already belongs to ${b.name}.`,
      verdict: `${a.name} has ${y}.`,
      answer: y,
    };
  },

  function nextInPattern(r) {
    const [start, add, grow] = [r.int(1, 12), r.int(2, 7), r.int(1, 4)];
    const values = [start];
    range(0, 4).forEach((i) => values.push(values.at(-1)! + add + grow * i));
    const [next, shown] = [values.at(-1)!, values.slice(0, -1)];
    const gaps = shown.slice(1).map((value, i) => value - shown[i]!);
    return {
      topic: 'patterns',
      questions: [
        `What number comes next in the pattern ${shown.join(', ')}?`,
        `A list of numbers begins ${shown.join(', ')}, and it continues in the same way. Which number follows?`,
      ],
      goal: 'the next number',
      idea: 'Look at the differences between neighbors.',
      steps: [
        `The differences are ${listed(gaps.map(String))}.`,
        `Each difference is ${grow} more than the one before it.`,
        `So the next difference is ${gaps.at(-1)!} + ${grow} = ${gaps.at(-1)! + grow}.`,
        `The next number is ${shown.at(-1)!} + ${gaps.at(-1)! + grow} = ${next}.`,
      ],
      checks: [
        `Starting at ${start} and adding ${listed([...gaps, gaps.at(-1)! + grow].map(String))} in turn leads to ${next}`,
      ],
      doubt:
        'Could it be a pattern of multiplication? The quotients are not constant, while the differences grow evenly.',
      verdict: `The next number is ${next}.`,
      answer: String(next),
    };
  },

  function coinsInPocket(r) {
    const who = person(r);
    const [nickels, dimes, quarters] = [r.int(2, 12), r.int(2, 12), r.int(2, 9)];
    const cents = 5 * nickels + 10 * dimes + 25 * quarters;
    return {
      topic: 'money',
      questions: [
        `${who.name} has ${counted(nickels, 'nickel')}, ${counted(dimes, 'dime')}, and ${counted(quarters, 'quarter')}. How many cents is that altogether?`,
        `In ${who.name}'s pocket there are ${counted(quarters, 'quarter')}, ${counted(dimes, 'dime')}, and ${counted(nickels, 'nickel')}. What is their total value in cents?`,
      ],
      goal: 'the total value in cents',
      idea: 'A nickel is worth 5 cents, a dime 10 cents, and a quarter 25 cents.',
      steps: [
        `The nickels are worth ${nickels} * 5 = ${5 * nickels} cents.`,
        `The dimes are worth ${dimes} * 10 = ${10 * dimes} cents.`,
        `The quarters are worth ${quarters} * 25 = ${25 * quarters} cents.`,
        `Together that is ${5 * nickels} + ${10 * dimes} + ${25 * quarters} = ${cents} cents.`,
      ],
      checks: [
        `There are ${nickels} + ${dimes} + ${quarters} = ${nickels + dimes + quarters} coins, so the total must lie between ${5 * (nickels + dimes + quarters)} and ${25 * (nickels + dimes + quarters)} cents, and it does`,
      ],
      verdict: `The coins are worth ${cents} cents.`,
      answer: String(cents),
    };
  },

  function endOfSchedule(r) {
    const who = person(r);
    const start = 60 * r.int(8, 14) + 5 * r.int(0, 11);
    const [first, second] = r.sample(
      ['a lesson', 'a rehearsal', 'a meeting', 'a film', 'a walk', 'a workout'],
      2,
    );
    const [long, pause, longer] = [5 * r.int(5, 12), 5 * r.int(1, 5), 5 * r.int(13, 20)];
    const total = long + pause + longer;
    const [hours, minutes] = [Math.floor(total / 60), total % 60];
    return {
      topic: 'time',
      questions: [
        `At ${clock(start)}, ${who.name} begins ${first} that lasts ${long} minutes. After a break of ${pause} minutes comes ${second} of ${longer} minutes. At what time is everything over?`,
        `${who.name}'s plan has three parts: ${first} (${long} minutes), a break (${pause} minutes), and ${second} (${longer} minutes). The first part starts at ${clock(start)}. When does the last part end?`,
      ],
      goal: 'the time at which everything is over',
      idea: 'Add the minutes first, then turn them into hours and minutes.',
      steps: [
        `Together the parts take ${long} + ${pause} + ${longer} = ${total} minutes.`,
        `That is ${measured([hours, 'hour'], [minutes, 'minute'])}, because ${hours} * 60 + ${minutes} = ${total}.`,
        `Counting on from ${clock(start)} leads to ${clock(start + total)}.`,
      ],
      checks: [
        `The first part ends at ${clock(start + long)}, the break at ${clock(start + long + pause)}, and the last part at ${clock(start + total)}`,
      ],
      doubt: 'Do I have to carry when the minutes pass 60? Yes, sixty minutes make one more hour.',
      verdict: `Everything is over at ${clock(start + total)}.`,
      answer: clock(start + total),
    };
  },

  function countLetters(r) {
    const word = r.pick([
      'mississippi',
      'committee',
      'banana',
      'bookkeeper',
      'strawberry',
      'assessment',
      'parallel',
      'engineering',
      'excellent',
      'cinnamon',
      'tomorrow',
      'umbrella',
      'possession',
      'butterfly',
      'raspberry',
      'abracadabra',
      'mountaineer',
      'refrigerator',
    ]);
    const letter = r.pick([...new Set(word)].filter((l) => word.split(l).length > 2));
    const places = word.split('').flatMap((l, i) => (l === letter ? [i + 1] : []));
    return {
      topic: 'words',
      questions: [
        `How many times does the letter "${letter}" occur in the word "${word}"?`,
        `Count the letter "${letter}" in "${word}". How often does it appear?`,
      ],
      goal: `the number of times "${letter}" occurs`,
      idea: 'Spell the word out and look at one letter at a time.',
      steps: [
        `Spelled out, the word is ${word.split('').join('-')}.`,
        `The letter "${letter}" stands in the ${listed(places.map(ordinal))} places.`,
        `That makes ${places.length} occurrences.`,
      ],
      checks: [
        `The word has ${word.length} letters, and ${word.length - places.length} of them are something else`,
      ],
      doubt:
        'Did I skip a double letter? Doubled letters have to be counted twice, and spelling the word out makes sure of that.',
      verdict: `The letter "${letter}" occurs ${places.length} times in "${word}".`,
      answer: String(places.length),
    };
  },

  function daysBetween(r) {
    const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const from = r.int(0, 8);
    const to = from + r.int(1, 3);
    const [day, end] = [r.int(2, 27), r.int(2, 27)];
    const first = lengths[from]! - day;
    const whole = lengths.slice(from + 1, to);
    const total = first + sum(whole) + end;
    const who = person(r);
    return {
      topic: 'calendar',
      questions: [
        `${who.name} plants a seed on ${MONTHS[from]!} ${day}, and it flowers on ${MONTHS[to]!} ${end} of the same year, which is not a leap year. How many days later is that?`,
        `In a year that is not a leap year, how many days pass from ${MONTHS[from]!} ${day} to ${MONTHS[to]!} ${end}?`,
      ],
      goal: 'the number of days between the two dates',
      idea: 'Count to the end of the first month, add the whole months between, and then the days of the last month.',
      steps: [
        `${MONTHS[from]!} has ${lengths[from]!} days, so ${lengths[from]!} - ${day} = ${first} days are left in it.`,
        whole.length === 0
          ? 'There is no whole month in between.'
          : `In between lie ${listed(whole.map((length, i) => `${MONTHS[from + 1 + i]!} with ${length} days`))}.`,
        `In ${MONTHS[to]!} another ${end} days pass.`,
        `The total is ${[first, ...whole, end].join(' + ')} = ${total} days.`,
      ],
      checks: [
        `That is ${measured([Math.floor(total / 7), 'week'], [total % 7, 'day'])}, which fits a span of about ${spelled(to - from)} ${to - from === 1 ? 'month' : 'months'}`,
      ],
      verdict: `${capitalized(String(total))} days pass.`,
      answer: String(total),
    };
  },

  function unitConversion(r) {
    const [big, small, per] = r.pick<[string, string, number]>([
      ['kilogram', 'gram', 1000],
      ['meter', 'centimeter', 100],
      ['hour', 'minute', 60],
      ['foot', 'inch', 12],
      ['yard', 'foot', 3],
      ['gallon', 'quart', 4],
      ['pound', 'ounce', 16],
      ['liter', 'milliliter', 1000],
    ]);
    const [whole, extra] = [r.int(2, 14), r.int(1, per - 1)];
    const total = whole * per + extra;
    return {
      topic: 'units',
      questions: [
        `How many ${counted(2, small).slice(2)} are ${counted(whole, big)} and ${counted(extra, small)}?`,
        `Convert ${counted(whole, big)} and ${counted(extra, small)} to ${counted(2, small).slice(2)}.`,
      ],
      goal: `the amount in ${counted(2, small).slice(2)}`,
      idea: `One ${big} equals ${counted(per, small)}.`,
      steps: [
        `The ${counted(whole, big)} are ${whole} * ${per} = ${counted(whole * per, small)}.`,
        `Adding the rest gives ${whole * per} + ${extra} = ${counted(total, small)}.`,
      ],
      checks: [`Going back, ${total} - ${extra} = ${whole * per}, and ${whole * per} / ${per} = ${whole}`],
      verdict: `It is ${counted(total, small)}.`,
      answer: String(total),
    };
  },
];

/** Minutes after midnight as "3:05 pm". */
function clock(minutes: number): string {
  const [hour, minute] = [Math.floor(minutes / 60) % 24, minutes % 60];
  return `${hour % 12 || 12}:${String(minute).padStart(2, '0')} ${hour < 12 ? 'am' : 'pm'}`;
}
