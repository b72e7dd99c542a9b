// Exercises on equations, functions, sequences, powers, and percentages.
import { counted, listed, money, ordinal } from '../english.ts';
import type { ExerciseFamily } from '../exercise.ts';
import { people, person } from '../people.ts';
import { enclosed, fraction, range, signed, signedTerm, sum, term } from './numbers.ts';

const tex = String.raw;

export const algebra: ExerciseFamily[] = [
  function linearEquation(r) {
    const [x, a, c] = [r.int(-6, 12), r.int(4, 11), r.int(1, 3)];
    const b = r.int(-20, 20) || 5;
    const d = (a - c) * x + b;
    return {
      topic: 'algebra',
      questions: [
        tex`Solve for $x$: $${a}x ${signed(b)} = ${term(c, 'x')} ${signed(d)}$.`,
        tex`For which value of $x$ do $${a}x ${signed(b)}$ and $${term(c, 'x')} ${signed(d)}$ have the same value?`,
      ],
      goal: tex`the value of $x$`,
      idea: tex`Collect the terms with $x$ on one side and the numbers on the other.`,
      steps: [
        tex`Subtracting $${term(c, 'x')}$ from both sides gives $${term(a - c, 'x')} ${signed(b)} = ${d}$.`,
        tex`${b < 0 ? `Adding $${-b}$ to` : `Subtracting $${b}$ from`} both sides gives $${term(a - c, 'x')} = ${d - b}$.`,
        tex`Dividing by $${a - c}$ gives $x = ${x}$.`,
      ],
      checks: [
        tex`For $x = ${x}$ the left side is $${a} \cdot ${enclosed(x)} ${signed(b)} = ${a * x + b}$ and the right side is $${c} \cdot ${enclosed(x)} ${signed(d)} = ${c * x + d}$`,
      ],
      verdict: tex`The solution is $x = ${x}$.`,
      answer: String(x),
    };
  },

  function quadraticByFactoring(r) {
    const [p, q] = r.sample(
      range(-9, 9).filter((n) => n !== 0),
      2,
    );
    const [small, large] = [Math.min(p, q), Math.max(p, q)];
    const [b, c] = [-(p + q), p * q];
    if (b === 0) return quadraticByFactoring(r);
    const factor = (root: number): string => `(x ${signed(-root)})`;
    return {
      topic: 'algebra',
      questions: [
        tex`What is the larger solution of $x^2 ${signedTerm(b, 'x')} ${signed(c)} = 0$?`,
        tex`The equation $x^2 ${signedTerm(b, 'x')} ${signed(c)} = 0$ has two real solutions. Find the greater one.`,
      ],
      goal: 'the larger solution',
      idea: tex`Look for two numbers whose product is $${c}$ and whose sum is $${b}$.`,
      steps: [
        tex`The numbers $${-small}$ and $${-large}$ have the product $${c}$ and the sum $${b}$.`,
        tex`Therefore $x^2 ${signedTerm(b, 'x')} ${signed(c)} = ${factor(small)}${factor(large)}$.`,
        tex`A product is zero when one of its factors is zero, so $x = ${small}$ or $x = ${large}$.`,
        tex`The larger of the two is $${large}$.`,
      ],
      checks: [
        tex`Substituting $x = ${large}$ gives $${enclosed(large)} \cdot ${enclosed(large)} ${signed(b)} \cdot ${enclosed(large)} ${signed(c)} = 0$`,
      ],
      doubt: tex`Do I have the signs right? The factor for a root is $x$ minus the root, so a positive root shows up with a minus sign.`,
      verdict: tex`The larger solution is $x = ${large}$.`,
      answer: String(large),
    };
  },

  function twoEquations(r) {
    const [x, y] = [r.int(2, 12), r.int(1, 10)];
    const [a, b] = [r.int(2, 5), r.int(2, 6)];
    const [s, t] = [x + y, a * x + b * y];
    if (a === b) return twoEquations(r);
    return {
      topic: 'algebra',
      questions: [
        tex`If $x + y = ${s}$ and $${a}x + ${b}y = ${t}$, what is the value of $y$?`,
        tex`Two numbers have the sum $${s}$. If the first is multiplied by $${a}$ and the second by $${b}$, the sum of the results is $${t}$. What is the second number?`,
      ],
      goal: 'the second number $y$',
      idea: tex`Express $x$ by $y$ with the first equation and substitute it in the second.`,
      steps: [
        tex`The first equation gives $x = ${s} - y$.`,
        tex`Substituting, $${a}(${s} - y) + ${b}y = ${t}$.`,
        tex`Expanding gives $${a * s} ${signedTerm(b - a, 'y')} = ${t}$, so $${term(b - a, 'y')} = ${t - a * s}$.`,
        tex`Hence $y = ${y}$.`,
      ],
      checks: [
        tex`With $x = ${x}$ and $y = ${y}$, we have $${x} + ${y} = ${s}$ and $${a} \cdot ${x} + ${b} \cdot ${y} = ${t}$`,
      ],
      verdict: tex`The value of $y$ is $${y}$.`,
      answer: String(y),
    };
  },

  function arithmeticSequence(r) {
    const [first, step, n] = [r.int(2, 20), r.int(3, 11), r.int(10, 40)];
    const last = first + step * (n - 1);
    return {
      topic: 'algebra',
      questions: [
        tex`The first terms of an arithmetic sequence are $${range(0, 2)
          .map((i) => first + step * i)
          .join(', ')}$. What is the $${ordinal(n).replace(/(\d+)(\w+)/, '$1$$$2')} term?`,
        `A row of numbers starts with ${first}, and each number is ${step} larger than the one before. Which number stands in position ${n}?`,
      ],
      goal: `the term in position ${n}`,
      idea: 'From the first term to the one we want, the common difference is added once for each step.',
      steps: [
        tex`The common difference is $${first + step} - ${first} = ${step}$.`,
        tex`To reach position $${n}$, it is added $${n} - 1 = ${n - 1}$ times.`,
        tex`That adds $${n - 1} \cdot ${step} = ${(n - 1) * step}$.`,
        tex`The term is $${first} + ${(n - 1) * step} = ${last}$.`,
      ],
      checks: [
        tex`Counting back, $${last} - ${step} = ${last - step}$ should be the term in position ${n - 1}, and $${first} + ${n - 2} \cdot ${step} = ${last - step}$`,
      ],
      doubt: `Is it ${n} steps or ${n - 1}? The first number is already there without a step, so it is ${n - 1}.`,
      verdict: `The term is ${last}.`,
      answer: String(last),
    };
  },

  function sumOfSequence(r) {
    const [first, step, n] = [r.int(1, 9), r.int(2, 6), 2 * r.int(5, 12)];
    const last = first + step * (n - 1);
    const total = ((first + last) * n) / 2;
    return {
      topic: 'algebra',
      questions: [
        tex`What is the sum of the first $${n}$ terms of the arithmetic sequence $${first}, ${first + step}, ${first + 2 * step}, \ldots$?`,
        `A theater has ${first} seats in the first row, and every row has ${step} more seats than the one in front of it. How many seats are there in ${n} rows?`,
      ],
      goal: `the sum of the ${n} terms`,
      idea: 'Pair the first term with the last, the second with the second to last, and so on: all pairs have the same sum.',
      steps: [
        tex`The last term is $${first} + ${n - 1} \cdot ${step} = ${last}$.`,
        tex`Each pair has the sum $${first} + ${last} = ${first + last}$.`,
        tex`There are $${n} / 2 = ${n / 2}$ pairs.`,
        tex`The sum is $${n / 2} \cdot ${first + last} = ${total}$.`,
      ],
      checks: [
        tex`The average term is $\frac{${first + last}}{2} = ${(first + last) / 2}$, and $${n} \cdot ${(first + last) / 2} = ${total}$`,
      ],
      verdict: `The sum is ${total}.`,
      answer: String(total),
    };
  },

  function geometricGrowth(r) {
    const [start, factor, n] = [r.int(2, 12), r.pick([2, 3]), r.int(4, 6)];
    const values = range(0, n).map((i) => start * factor ** i);
    const what = r.pick(['bacteria', 'water lilies', 'yeast cells', 'algae']);
    const often = factor === 2 ? 'doubles' : 'triples';
    return {
      topic: 'algebra',
      questions: [
        `The number of ${what} in a dish ${often} every hour. At the start there are ${start}. How many are there after ${n} hours?`,
        `A population of ${start} ${what} ${often} each hour. What is its size ${n} hours later?`,
      ],
      goal: `the number of ${what} after ${n} hours`,
      idea: `Each hour multiplies the number by ${factor}.`,
      steps: [
        tex`After $${n}$ hours the number has been multiplied by $${factor}^{${n}} = ${factor ** n}$.`,
        tex`So there are $${start} \cdot ${factor ** n} = ${values[n]!}$ of them.`,
      ],
      checks: [`Hour by hour the numbers are ${listed(values.map(String))}`],
      doubt: `Should I add ${factor} times the start each hour? No, the growth applies to the current number, so it is a multiplication every time.`,
      verdict: `After ${n} hours there are ${values[n]!}.`,
      answer: String(values[n]!),
    };
  },

  function composition(r) {
    const [a, b, c] = [r.int(2, 6), r.int(-7, 9) || 4, r.int(-5, 6) || 3];
    const x = r.int(-3, 6);
    const inner = x * x + c;
    const outer = a * inner + b;
    return {
      topic: 'algebra',
      questions: [
        tex`Let $f(x) = ${a}x ${signed(b)}$ and $g(x) = x^2 ${signed(c)}$. What is $f(g(${x}))$?`,
        tex`The function $g$ sends $x$ to $x^2 ${signed(c)}$, and $f$ sends $x$ to $${a}x ${signed(b)}$. Find the result of applying $g$ and then $f$ to $${x}$.`,
      ],
      goal: tex`the value of $f(g(${x}))$`,
      idea: tex`Work from the inside out: first $g$, then $f$.`,
      steps: [
        tex`First, $g(${x}) = ${enclosed(x)}^2 ${signed(c)} = ${x * x} ${signed(c)} = ${inner}$.`,
        tex`Then, $f(${inner}) = ${a} \cdot ${enclosed(inner)} ${signed(b)} = ${a * inner} ${signed(b)} = ${outer}$.`,
      ],
      checks: [tex`Undoing $f$: $(${outer} ${signed(-b)}) / ${a} = ${inner}$, which is the value of $g$`],
      doubt: tex`Which function comes first? In $f(g(x))$ the inner one, $g$, is applied first.`,
      verdict: tex`The value is $${outer}$.`,
      answer: String(outer),
    };
  },

  function powerRules(r) {
    const base = r.pick([2, 3, 5, 10]);
    const [m, n] = [r.int(3, 9), r.int(2, 6)];
    const drop = m + n - r.int(1, 3);
    const left = m + n - drop;
    return {
      topic: 'algebra',
      questions: [
        tex`Simplify $\frac{${base}^{${m}} \cdot ${base}^{${n}}}{${base}^{${drop}}}$ and give the result as an integer.`,
        tex`What is $${base}^{${m}}$ times $${base}^{${n}}$, divided by $${base}^{${drop}}$?`,
      ],
      goal: 'the value of the expression',
      idea: 'Powers of the same base are multiplied by adding exponents and divided by subtracting them.',
      steps: [
        tex`In the numerator the exponents add up to $${m} + ${n} = ${m + n}$.`,
        tex`Dividing subtracts $${drop}$, and $${m + n} - ${drop} = ${left}$.`,
        tex`The result is $${base}^{${left}} = ${base ** left}$.`,
      ],
      checks: [tex`Multiplying back, the exponents $${left} + ${drop} = ${m + n}$ agree with the numerator`],
      verdict: `The result is ${base ** left}.`,
      answer: String(base ** left),
    };
  },

  function absoluteValue(r) {
    const [center, radius] = [r.int(-8, 12) || 3, r.int(2, 11)];
    const [low, high] = [center - radius, center + radius];
    return {
      topic: 'algebra',
      questions: [
        tex`What is the sum of all solutions of $|x ${signed(-center)}| = ${radius}$?`,
        tex`Two numbers on the number line lie exactly $${radius}$ units from $${center}$. Find the sum of these numbers.`,
      ],
      goal: 'the sum of the two solutions',
      idea: tex`An absolute value is a distance, so there is one solution on each side of $${center}$.`,
      steps: [
        tex`To the right, $x = ${center} + ${radius} = ${high}$.`,
        tex`To the left, $x = ${center} - ${radius} = ${low}$.`,
        tex`Their sum is $${high} + ${enclosed(low)} = ${high + low}$.`,
      ],
      checks: [
        tex`The two solutions lie symmetrically around $${center}$, so the sum must be $2 \cdot ${enclosed(center)} = ${2 * center}$`,
      ],
      verdict: `The sum is ${high + low}.`,
      answer: String(high + low),
    };
  },

  function inequalityCount(r) {
    const [a, b] = [r.int(3, 8), r.int(1, 12)];
    const [low, high] = [r.int(-3, 3), r.int(5, 14)];
    const [left, right] = [a * low + b - r.int(1, a - 1), a * high + b + r.int(0, a - 1)];
    const count = high - low + 1;
    return {
      topic: 'algebra',
      questions: [
        tex`How many integers $n$ satisfy $${left} < ${a}n + ${b} \le ${right}$?`,
        tex`Find the number of integers $n$ for which $${a}n + ${b}$ is greater than $${left}$ and at most $${right}$.`,
      ],
      goal: tex`the number of integers $n$`,
      idea: tex`Isolate $n$ in the middle of the inequality.`,
      steps: [
        tex`Subtracting $${b}$ gives $${left - b} < ${a}n \le ${right - b}$.`,
        tex`Dividing by $${a}$, the smallest integer that works is $${low}$, since $${a} \cdot ${enclosed(low)} = ${a * low}$ is greater than $${left - b}$.`,
        tex`The largest is $${high}$, since $${a} \cdot ${high} = ${a * high}$ is at most $${right - b}$ and the next multiple is not.`,
        tex`From $${low}$ to $${high}$ there are $${high} - ${enclosed(low)} + 1 = ${count}$ integers.`,
      ],
      checks: [
        tex`One step below, $${a} \cdot ${enclosed(low - 1)} = ${a * (low - 1)}$ is not greater than $${left - b}$; one step above, $${a} \cdot ${high + 1} = ${a * (high + 1)}$ is too large`,
      ],
      doubt:
        'Do both ends count? Yes, both the smallest and the largest integer satisfy the inequality, hence the plus one.',
      verdict: `There are ${count} such integers.`,
      answer: String(count),
    };
  },

  function percentUpAndDown(r) {
    const [up, down] = [r.pick([10, 20, 25, 40, 50]), r.pick([10, 20, 25, 40])];
    const start = r.pick([40, 80, 120, 200, 400, 600, 800]);
    const high = start * (1 + up / 100);
    const end = high * (1 - down / 100);
    const item = r.pick(['a coat', 'a bicycle', 'a concert ticket', 'a phone', 'a tent', 'a printer']);
    if (!Number.isInteger(end) || !Number.isInteger(high)) return percentUpAndDown(r);
    return {
      topic: 'algebra',
      questions: [
        `The price of ${item} is ${money(start)}. It first rises by ${up}% and then falls by ${down}%. What is the price in the end?`,
        `A shop raises a price of ${money(start)} for ${item} by ${up}% and later lowers the new price by ${down}%. Find the final price in dollars.`,
      ],
      goal: 'the final price',
      idea: 'The second change refers to the price after the first one.',
      steps: [
        `The rise amounts to ${start} * ${up / 100} = ${high - start} dollars, so the price becomes ${start} + ${high - start} = ${high} dollars.`,
        `The fall amounts to ${high} * ${down / 100} = ${high - end} dollars.`,
        `The final price is ${high} - ${high - end} = ${end} dollars.`,
      ],
      checks: [
        `In one go, the price is multiplied by ${1 + up / 100} and by ${1 - down / 100}: ${start} * ${1 + up / 100} * ${1 - down / 100} = ${end}`,
      ],
      doubt: `Could I just combine the percentages, ${up} up and ${down} down? No, because they are taken of different amounts.`,
      verdict: `The final price is ${money(end)}.`,
      answer: String(end),
    };
  },

  function workTogether(r) {
    const [a, b] = people(r, 2);
    const [x, y] = r.pick<[number, number]>([
      [3, 6],
      [4, 12],
      [6, 12],
      [10, 15],
      [12, 24],
      [20, 30],
      [5, 20],
      [6, 30],
      [8, 24],
      [12, 6],
      [15, 30],
    ]);
    const together = (x * y) / (x + y);
    const job = r.pick([
      'paint a room',
      'weed a garden',
      'wash all the windows',
      'sort a pile of letters',
      'shovel the driveway',
    ]);
    return {
      topic: 'algebra',
      questions: [
        `${a.name} can ${job} in ${x} hours, and ${b.name} needs ${y} hours for the same job. How many hours do they need together?`,
        `To ${job}, ${a.name} alone takes ${x} hours and ${b.name} alone takes ${y} hours. If both work at the same time without getting in each other's way, how long does it take, in hours?`,
      ],
      goal: 'the time they need together',
      idea: 'Add the parts of the job that each of them does in one hour.',
      steps: [
        tex`In one hour ${a.name} does $\frac{1}{${x}}$ of the job and ${b.name} does $\frac{1}{${y}}$.`,
        tex`Together they do $\frac{1}{${x}} + \frac{1}{${y}} = ${fraction(x + y, x * y)}$ of the job in an hour.`,
        tex`So the whole job takes $${together}$ hours.`,
      ],
      checks: [
        `In ${together} hours, ${a.name} does ${together}/${x} of the job and ${b.name} does ${together}/${y}, and these parts add up to 1`,
      ],
      doubt: `Could the answer be the average of ${x} and ${y}? No, two people together must be faster than the faster one alone.`,
      verdict: `Together they need ${together} hours.`,
      answer: String(together),
    };
  },

  function mixture(r) {
    const [weak, strong] = [r.pick([10, 15, 20, 25]), r.pick([40, 50, 60, 70])];
    const [p, q] = [r.int(2, 9), r.int(1, 9)];
    const percent = (weak * p + strong * q) / (p + q);
    if (!Number.isInteger(percent) || p === q) return mixture(r);
    const what = r.pick(['salt solution', 'juice drink', 'cleaning fluid', 'sugar syrup', 'vinegar mix']);
    return {
      topic: 'algebra',
      questions: [
        `A ${what} of ${weak}% strength and one of ${strong}% strength are mixed: ${p} liters of the first with ${q} ${q === 1 ? 'liter' : 'liters'} of the second. What is the strength of the mixture, in percent?`,
        `Someone pours ${p} liters of a ${weak}% ${what} and ${q} ${q === 1 ? 'liter' : 'liters'} of a ${strong}% ${what} into one container. How strong is the result, in percent?`,
      ],
      goal: 'the strength of the mixture',
      idea: 'Find how much pure substance goes in, and divide it by the whole volume.',
      steps: [
        `The first part contains ${p} * ${weak / 100} = ${counted((p * weak) / 100, 'liter')} of the pure substance.`,
        `The second part contains ${q} * ${strong / 100} = ${counted((q * strong) / 100, 'liter')} of it.`,
        `Together that is ${counted((p * weak + q * strong) / 100, 'liter')} in ${p} + ${q} = ${p + q} liters of mixture.`,
        `The strength is ${(p * weak + q * strong) / 100} / ${p + q} = ${percent / 100}, which is ${percent}%.`,
      ],
      checks: [
        `The result lies between ${weak}% and ${strong}%, and closer to the liquid of which there is more`,
      ],
      verdict: `The mixture has a strength of ${percent}%.`,
      answer: String(percent),
    };
  },

  function agePuzzle(r) {
    const [a, b] = people(r, 2);
    const [young, factor, years] = [r.int(6, 14), r.int(2, 4), r.int(3, 10)];
    const old = factor * young;
    const total = young + old + 2 * years;
    return {
      topic: 'algebra',
      questions: [
        `${a.name} is ${factor} times as old as ${b.name}. In ${years} years, their ages will add up to ${total}. How old is ${a.name} now?`,
        `In ${years} years ${a.name} and ${b.name} will be ${total} years old together. At present ${a.name}'s age is ${factor} times ${b.name}'s age. What is ${a.name}'s present age?`,
      ],
      goal: `${a.name}'s present age`,
      idea: tex`Let $b$ be ${b.name}'s age now, so that ${a.name} is $${factor}b$ years old.`,
      steps: [
        tex`In $${years}$ years both will be $${years}$ years older, so $b + ${factor}b + 2 \cdot ${years} = ${total}$.`,
        tex`That means $${factor + 1}b = ${total} - ${2 * years} = ${total - 2 * years}$.`,
        tex`So $b = ${total - 2 * years} / ${factor + 1} = ${young}$.`,
        tex`${a.name} is $${factor} \cdot ${young} = ${old}$ years old.`,
      ],
      checks: [
        tex`In ${years} years they will be $${old} + ${years} = ${old + years}$ and $${young} + ${years} = ${young + years}$, and $${old + years} + ${young + years} = ${total}$`,
      ],
      doubt: 'Do the years have to be added once or twice? Twice, because both of them get older.',
      verdict: `${a.name} is ${old} years old.`,
      answer: String(old),
    };
  },

  function missingValueOfMean(r) {
    const values = range(1, 4).map(() => r.int(5, 40));
    const missing = r.int(5, 40);
    const total = sum(values) + missing;
    if (total % 5 !== 0) return missingValueOfMean(r);
    const who = person(r);
    return {
      topic: 'statistics',
      questions: [
        tex`The mean of the numbers $${values.join(', ')}$ and $x$ is $${total / 5}$. What is $x$?`,
        `${who.name} noted five measurements. Four of them are ${listed(values.map(String))}; the fifth is unreadable, but the average of all five is ${total / 5}. What was the fifth measurement?`,
      ],
      goal: 'the fifth number',
      idea: 'The mean and the number of values give their sum.',
      steps: [
        tex`All five numbers add up to $5 \cdot ${total / 5} = ${total}$.`,
        tex`The four known ones add up to $${values.join(' + ')} = ${sum(values)}$.`,
        tex`The missing number is $${total} - ${sum(values)} = ${missing}$.`,
      ],
      checks: [tex`$(${sum(values)} + ${missing}) / 5 = ${total / 5}$`],
      verdict: `The fifth number is ${missing}.`,
      answer: String(missing),
    };
  },
];
