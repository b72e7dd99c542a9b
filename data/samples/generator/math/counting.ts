// Exercises on counting, probability, and data.
import { listed, spelled } from '../english.ts';
import type { ExerciseFamily } from '../exercise.ts';
import { person } from '../people.ts';
import { choose, factorial, fraction, gcd, range, sum } from './numbers.ts';

const tex = String.raw;

export const counting: ExerciseFamily[] = [
  function committee(r) {
    const [n, k] = [r.int(5, 12), r.int(2, 4)];
    const top = range(n - k + 1, n).reverse();
    const ordered = top.reduce((product, f) => product * f, 1);
    const group = r.pick(['club members', 'students', 'players', 'volunteers', 'musicians']);
    return {
      topic: 'counting',
      questions: [
        `In how many ways can a team of ${spelled(k)} be chosen from ${spelled(n)} ${group}?`,
        `There are ${spelled(n)} ${group}, and ${spelled(k)} of them are to be picked for a task. The order does not matter. How many different selections are possible?`,
      ],
      goal: 'the number of possible teams',
      idea: 'Count the ordered selections first, then divide by the number of orders of one team.',
      steps: [
        tex`In order, there are $${top.join(tex` \cdot `)} = ${ordered}$ ways to pick.`,
        tex`The same team of $${k}$ appears in $${k}! = ${factorial(k)}$ different orders.`,
        tex`So there are $${ordered} / ${factorial(k)} = ${choose(n, k)}$ teams.`,
      ],
      checks: [
        tex`Choosing the $${n - k}$ who stay behind must give the same number, and $\binom{${n}}{${n - k}} = ${choose(n, n - k)}$`,
      ],
      doubt: 'Does the order matter here? A team is the same whoever is named first, so no.',
      verdict: `There are ${choose(n, k)} possible teams.`,
      answer: String(choose(n, k)),
    };
  },

  function lettersOfWord(r) {
    const word = r.pick([
      'LEVEL',
      'BANANA',
      'PEPPER',
      'COFFEE',
      'SUMMER',
      'KAYAK',
      'TOMATO',
      'RADAR',
      'CANAL',
      'LEMON',
      'TIGER',
      'PUPPY',
      'ONION',
      'EAGLE',
      'CANOE',
    ]);
    const counts = new Map<string, number>();
    for (const letter of word) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    const repeated = [...counts].filter(([, n]) => n > 1);
    const divisor = repeated.reduce((product, [, n]) => product * factorial(n), 1);
    const total = factorial(word.length);
    return {
      topic: 'counting',
      questions: [
        `How many different arrangements of the letters of the word ${word} are there?`,
        `The letters of ${word} are written on cards. In how many distinguishable orders can the cards be laid in a row?`,
      ],
      goal: 'the number of different arrangements',
      idea: 'Treat the letters as different first, then correct for equal letters.',
      steps: [
        tex`The word has $${word.length}$ letters, which can be ordered in $${word.length}! = ${total}$ ways if all are different.`,
        repeated.length === 0
          ? 'No letter occurs twice, so no correction is needed.'
          : `However, ${listed(repeated.map(([letter, n]) => `the letter ${letter} occurs ${n} times`))}; swapping equal letters changes nothing.`,
        repeated.length === 0
          ? `The number of arrangements is ${total}.`
          : tex`Dividing by $${repeated.map(([, n]) => `${n}!`).join(tex` \cdot `)} = ${divisor}$ gives $${total} / ${divisor} = ${total / divisor}$.`,
      ],
      checks: [
        `The counts of the letters, ${[...counts].map(([letter, n]) => `${letter}: ${n}`).join(', ')}, add up to ${word.length}`,
      ],
      verdict: `There are ${total / divisor} different arrangements.`,
      answer: String(total / divisor),
    };
  },

  function drawTwoBalls(r) {
    const [red, blue] = [r.int(3, 8), r.int(2, 7)];
    const n = red + blue;
    const color = r.pick<[string, string]>([
      ['red', 'blue'],
      ['white', 'black'],
      ['green', 'yellow'],
    ]);
    return {
      topic: 'probability',
      questions: [
        `A bag holds ${spelled(red)} ${color[0]} and ${spelled(blue)} ${color[1]} balls. Two balls are drawn at random without putting any back. What is the probability that both are ${color[0]}?`,
        `From a bag with ${spelled(red)} ${color[0]} balls and ${spelled(blue)} ${color[1]} balls, somebody takes two balls without looking. Find the probability that the two balls are both ${color[0]}.`,
      ],
      goal: `the probability that both balls are ${color[0]}`,
      idea: 'Multiply the probability of the first draw by that of the second one.',
      steps: [
        tex`There are $${red} + ${blue} = ${n}$ balls, so the first one is ${color[0]} with probability $\frac{${red}}{${n}}$.`,
        tex`Then $${red - 1}$ of the remaining $${n - 1}$ balls are ${color[0]}, which gives $\frac{${red - 1}}{${n - 1}}$.`,
        tex`The product is $\frac{${red}}{${n}} \cdot \frac{${red - 1}}{${n - 1}} = \frac{${red * (red - 1)}}{${n * (n - 1)}}$${gcd(red * (red - 1), n * (n - 1)) > 1 ? `, which reduces to $${fraction(red * (red - 1), n * (n - 1))}$` : ''}.`,
      ],
      checks: [
        tex`Counting pairs gives $${choose(red, 2)}$ favorable ones out of $${choose(n, 2)}$, and $\frac{${choose(red, 2)}}{${choose(n, 2)}} = ${fraction(choose(red, 2), choose(n, 2))}$`,
      ],
      doubt:
        'Are the draws independent? No: the first ball is not put back, so the second fraction has to change.',
      verdict: tex`The probability is $${fraction(red * (red - 1), n * (n - 1))}$.`,
      answer: fraction(red * (red - 1), n * (n - 1)),
    };
  },

  function twoDiceSum(r) {
    const target = r.int(4, 11);
    const pairs = range(1, 6)
      .filter((a) => target - a >= 1 && target - a <= 6)
      .map((a) => [a, target - a] as const);
    return {
      topic: 'probability',
      questions: [
        `Two fair six-sided dice are rolled. What is the probability that the sum is ${target}?`,
        `Someone throws a red die and a blue die, both fair. How likely is it that the two numbers add up to ${target}? Give the answer as a fraction.`,
      ],
      goal: `the probability of the sum ${target}`,
      idea: 'Count the favorable pairs among all equally likely pairs.',
      steps: [
        tex`There are $6 \cdot 6 = 36$ equally likely pairs.`,
        `The favorable ones are ${listed(pairs.map(([a, b]) => `(${a}, ${b})`))}, so there are ${pairs.length} of them.`,
        tex`The probability is $\frac{${pairs.length}}{36}${gcd(pairs.length, 36) > 1 ? ` = ${fraction(pairs.length, 36)}` : ''}$.`,
      ],
      checks: [`By symmetry the sum ${14 - target} has the same number of pairs, ${pairs.length}`],
      doubt:
        'Do pairs such as (a, b) and (b, a) count separately? Yes, because the two dice are different objects.',
      verdict: tex`The probability is $${fraction(pairs.length, 36)}$.`,
      answer: fraction(pairs.length, 36),
    };
  },

  function menuChoices(r) {
    const [a, b, c] = [r.int(3, 7), r.int(3, 8), r.int(2, 6)];
    const who = person(r);
    const [x, y, z] = r.pick<[string, string, string]>([
      ['soups', 'main dishes', 'desserts'],
      ['shirts', 'pairs of trousers', 'hats'],
      ['frames', 'colors', 'saddles'],
      ['breads', 'fillings', 'sauces'],
    ]);
    return {
      topic: 'counting',
      questions: [
        `${who.name} can choose from ${spelled(a)} ${x}, ${spelled(b)} ${y}, and ${spelled(c)} ${z}, and takes one of each. How many different combinations are there?`,
        `There are ${spelled(a)} ${x}, ${spelled(b)} ${y}, and ${spelled(c)} ${z} to choose from. If one of each kind is picked, how many combinations are possible?`,
      ],
      goal: 'the number of combinations',
      idea: 'Independent choices multiply.',
      steps: [
        tex`The first two choices can be combined in $${a} \cdot ${b} = ${a * b}$ ways.`,
        tex`Each of these goes with $${c}$ third choices, which makes $${a * b} \cdot ${c} = ${a * b * c}$ combinations.`,
      ],
      checks: [tex`In another order, $${b} \cdot ${c} = ${b * c}$ and $${b * c} \cdot ${a} = ${a * b * c}$`],
      doubt:
        'Should the numbers be added? Only if just one item were taken in total; here one of each kind is taken.',
      verdict: `There are ${a * b * c} combinations.`,
      answer: String(a * b * c),
    };
  },

  function handshakes(r) {
    const n = r.int(6, 30);
    return {
      topic: 'counting',
      questions: [
        `At a meeting of ${n} people, everyone shakes hands with everyone else exactly once. How many handshakes are there?`,
        `In a tournament with ${n} teams, each team plays every other team once. How many games are played?`,
        tex`How many diagonals and sides together does a polygon with $${n}$ corners have?`,
      ],
      goal: 'the number of pairs',
      idea: 'Each pair is counted from both ends, so half of the ordered pairs are needed.',
      steps: [
        tex`Each of the $${n}$ participants is paired with $${n} - 1 = ${n - 1}$ others.`,
        tex`That makes $${n} \cdot ${n - 1} = ${n * (n - 1)}$ ordered pairs.`,
        tex`Every pair was counted twice, so the number is $${n * (n - 1)} / 2 = ${(n * (n - 1)) / 2}$.`,
      ],
      checks: [
        tex`Adding them one participant at a time gives $1 + 2 + \ldots + ${n - 1}$, and the formula for this sum is $\frac{${n - 1} \cdot ${n}}{2} = ${(n * (n - 1)) / 2}$`,
      ],
      verdict: `The number is ${(n * (n - 1)) / 2}.`,
      answer: String((n * (n - 1)) / 2),
    };
  },

  function medianAndMean(r) {
    const values = range(1, 5).map(() => r.int(2, 40));
    const sorted = [...values].sort((a, b) => a - b);
    const [median, total] = [sorted[2]!, sum(values)];
    if (total % 5 !== 0 || total / 5 === median) return medianAndMean(r);
    const gap = Math.abs(total / 5 - median);
    return {
      topic: 'statistics',
      questions: [
        tex`What is the positive difference between the mean and the median of $${values.join(', ')}$?`,
        `In five games a player scored ${listed(values.map(String))} points. By how much do the mean and the median of these scores differ?`,
      ],
      goal: 'the difference between mean and median',
      idea: 'Sort the numbers for the median, and add them for the mean.',
      steps: [
        tex`In order, the numbers are $${sorted.join(', ')}$, so the median is $${median}$.`,
        tex`Their sum is $${values.join(' + ')} = ${total}$.`,
        tex`The mean is $${total} / 5 = ${total / 5}$.`,
        tex`The difference is $${Math.max(total / 5, median)} - ${Math.min(total / 5, median)} = ${gap}$.`,
      ],
      checks: [
        `Two of the numbers stand before the median in the sorted list and two after it, as it should be`,
      ],
      doubt:
        'Is the median the number in the middle of the original list? No, the numbers have to be sorted first.',
      verdict: `They differ by ${gap}.`,
      answer: String(gap),
    };
  },

  function atLeastOneSix(r) {
    const [sides, rolls] = [r.pick([4, 6, 8, 10]), r.pick([2, 3])];
    const [all, none] = [sides ** rolls, (sides - 1) ** rolls];
    return {
      topic: 'probability',
      questions: [
        `A fair die with ${sides} sides is rolled ${spelled(rolls)} times. What is the probability of getting a ${sides} at least once?`,
        `Each of ${spelled(rolls)} players rolls a fair die with the numbers from 1 to ${sides}. Find the probability that at least one of them rolls a ${sides}.`,
      ].map((question) => question.replaceAll('a 8', 'an 8')),
      goal: `the probability of at least one ${sides}`,
      idea: 'The opposite event, no such roll at all, is easier to count.',
      steps: [
        tex`There are $${Array(rolls)
          .fill(sides)
          .join(tex` \cdot `)} = ${all}$ equally likely outcomes.`,
        tex`In $${Array(rolls)
          .fill(sides - 1)
          .join(tex` \cdot `)} = ${none}$ of them the number $${sides}$ never appears.`,
        tex`It appears in the other $${all} - ${none} = ${all - none}$, so the probability is $${fraction(all - none, all)}$.`,
      ],
      checks: [
        tex`The two events together cover everything: $\frac{${none}}{${all}} + \frac{${all - none}}{${all}} = 1$`,
      ],
      doubt: tex`Can I simply add $\frac{1}{${sides}}$ for each roll? No, outcomes with several hits would be counted more than once.`,
      verdict: tex`The probability is $${fraction(all - none, all)}$.`,
      answer: fraction(all - none, all),
    };
  },

  function gridPaths(r) {
    const [right, up] = [r.int(2, 6), r.int(2, 5)];
    const n = right + up;
    const who = person(r);
    return {
      topic: 'counting',
      questions: [
        tex`How many paths lead from $(0, 0)$ to $(${right}, ${up})$ if every step goes one unit to the right or one unit up?`,
        `${who.name}'s school is ${right} blocks east and ${up} blocks north of home. Walking only east or north along the streets, how many different routes to school are there?`,
      ],
      goal: 'the number of paths',
      idea: 'A path is an order of the steps, so choose which of the steps go up.',
      steps: [
        tex`Every path has $${right} + ${up} = ${n}$ steps.`,
        tex`Exactly $${up}$ of them go up, and any choice of $${up}$ positions gives a path.`,
        tex`The number of choices is $\binom{${n}}{${up}} = ${choose(n, up)}$.`,
      ],
      checks: [
        tex`The last step comes either from below or from the left: $${choose(n - 1, up - 1)} + ${choose(n - 1, up)} = ${choose(n, up)}$`,
      ],
      verdict: `There are ${choose(n, up)} paths.`,
      answer: String(choose(n, up)),
    };
  },
];
