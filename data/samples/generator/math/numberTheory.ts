// Exercises on divisibility, remainders, digits, and bases. Every number in a text is computed, never typed.
import { listed } from '../english.ts';
import type { ExerciseFamily } from '../exercise.ts';
import { divisors, factored, factors, gcd, range, sum } from './numbers.ts';

const tex = String.raw;

export const numberTheory: ExerciseFamily[] = [
  function greatestCommonDivisor(r) {
    const g = r.pick([4, 6, 8, 9, 12, 14, 15, 18, 20, 21]);
    const [p, q] = r.pick<[number, number]>([
      [2, 3],
      [3, 5],
      [4, 7],
      [5, 8],
      [3, 7],
      [4, 9],
      [5, 6],
      [2, 9],
    ]);
    const [a, b] = [g * q, g * p];
    const rows: string[] = [];
    for (let [x, y] = [a, b]; y > 0; [x, y] = [y, x % y])
      rows.push(
        x % y === 0
          ? tex`Divide $${x}$ by $${y}$: $${x} = ${x / y} \cdot ${y}$, and nothing is left over.`
          : tex`Divide $${x}$ by $${y}$: $${x} = ${Math.floor(x / y)} \cdot ${y} + ${x % y}$.`,
      );
    return {
      topic: 'number theory',
      questions: [
        tex`What is the greatest common divisor of $${a}$ and $${b}$?`,
        tex`Find the largest integer that divides both $${a}$ and $${b}$ without remainder.`,
        tex`Two ribbons of $${a}$ and $${b}$ centimeters are cut into equal pieces with nothing wasted. What is the greatest possible length of a piece, in centimeters?`,
      ],
      goal: `the greatest common divisor of ${a} and ${b}`,
      idea: "Euclid's algorithm finds it by repeated division with remainder.",
      steps: [
        ...rows,
        tex`The last divisor that leaves no remainder is $${g}$, so the greatest common divisor is $${g}$.`,
      ],
      checks: [
        tex`The prime factorizations are $${a} = ${factored(a)}$ and $${b} = ${factored(b)}$; the common part is $${factored(g)} = ${g}$`,
      ],
      doubt: `Could a larger number divide both? It would also have to divide every remainder on the way, and the last nonzero one is ${g}, so no.`,
      verdict: `The greatest common divisor is ${g}.`,
      answer: String(g),
    };
  },

  function leastCommonMultiple(r) {
    const [a, b] = r.pick<[number, number]>([
      [6, 8],
      [9, 12],
      [10, 15],
      [12, 18],
      [14, 21],
      [15, 20],
      [16, 24],
      [18, 30],
      [20, 28],
      [8, 14],
      [21, 28],
      [24, 36],
    ]);
    const g = gcd(a, b);
    const lcm = (a * b) / g;
    return {
      topic: 'number theory',
      questions: [
        tex`What is the least common multiple of $${a}$ and $${b}$?`,
        `One lamp blinks every ${a} seconds and another every ${b} seconds. They have just blinked together. After how many seconds will they blink together again for the first time?`,
        tex`Find the smallest positive integer divisible by both $${a}$ and $${b}$.`,
      ],
      goal: `the least common multiple of ${a} and ${b}`,
      idea: 'The product of two numbers equals the product of their greatest common divisor and their least common multiple.',
      steps: [
        tex`Factor both numbers: $${a} = ${factored(a)}$ and $${b} = ${factored(b)}$.`,
        tex`Their greatest common divisor is $${g}$.`,
        tex`The product of the numbers is $${a} \cdot ${b} = ${a * b}$.`,
        tex`Dividing by the greatest common divisor gives $\frac{${a * b}}{${g}} = ${lcm}$.`,
      ],
      checks: [
        tex`$${lcm} = ${lcm / a} \cdot ${a}$ and $${lcm} = ${lcm / b} \cdot ${b}$, and the factors $${lcm / a}$ and $${lcm / b}$ have no common divisor`,
      ],
      doubt: `Is the product ${a * b} itself the answer? It is a common multiple, but not the least one, because ${a} and ${b} share the factor ${g}.`,
      verdict: `The least common multiple is ${lcm}.`,
      answer: String(lcm),
    };
  },

  function numberOfDivisors(r) {
    const n = r.pick([
      36, 48, 60, 72, 84, 90, 96, 100, 108, 120, 126, 132, 140, 144, 150, 168, 180, 196, 200, 210, 225,
    ]);
    const exponents = [...factors(n).values()];
    const count = divisors(n).length;
    return {
      topic: 'number theory',
      questions: [
        tex`How many positive divisors does $${n}$ have?`,
        tex`Determine the number of positive integers that divide $${n}$ evenly.`,
        `In how many ways can ${n} chairs be arranged in equal rows, if the number of rows may be anything from 1 to ${n}?`,
      ],
      goal: `the number of positive divisors of ${n}`,
      idea: 'In the prime factorization, the exponents tell how many choices there are for each prime.',
      steps: [
        tex`The prime factorization is $${n} = ${factored(n)}$.`,
        `A divisor may contain each prime with any exponent from 0 up to the exponent in this factorization.`,
        tex`So the numbers of choices are ${listed(exponents.map((e) => tex`$${e} + 1 = ${e + 1}$`))}.`,
        tex`Multiplying them gives $${exponents.map((e) => e + 1).join(tex` \cdot `)} = ${count}$ divisors.`,
      ],
      checks: [
        `Listing the divisors up to the square root gives ${listed(
          divisors(n)
            .filter((d) => d * d <= n)
            .map(String),
        )}, and each has a partner above it${Number.isInteger(Math.sqrt(n)) ? `, except ${Math.sqrt(n)}, which is its own partner` : ''}`,
      ],
      verdict: `The number ${n} has ${count} positive divisors.`,
      answer: String(count),
    };
  },

  function remainderOfPower(r) {
    const [base, modulus] = r.pick<[number, number]>([
      [2, 7],
      [3, 7],
      [2, 5],
      [4, 7],
      [2, 9],
      [3, 10],
      [7, 10],
      [2, 11],
      [5, 6],
      [3, 8],
      [4, 9],
      [8, 10],
    ]);
    const powers = [base % modulus];
    while (powers.length < 12 && (powers.at(-1)! * base) % modulus !== powers[0])
      powers.push((powers.at(-1)! * base) % modulus);
    const cycle = powers.length;
    const exponent = r.int(25, 120);
    const rest = exponent % cycle || cycle;
    const answer = powers[rest - 1]!;
    return {
      topic: 'number theory',
      questions: [
        tex`What is the remainder when $${base}^{${exponent}}$ is divided by $${modulus}$?`,
        tex`Find the remainder of $${base}^{${exponent}}$ modulo $${modulus}$.`,
        `The number ${base} is multiplied by itself so that the product has ${exponent} equal factors. What remainder does this product leave on division by ${modulus}?`,
      ],
      goal: tex`the remainder of $${base}^{${exponent}}$ on division by ${modulus}`,
      idea: 'The remainders of successive powers repeat in a cycle, so only the position in the cycle matters.',
      steps: [
        tex`Modulo $${modulus}$, the powers $${base}^1, ${base}^2, ${base}^3, \ldots$ leave the remainders ${powers.map((p) => `$${p}$`).join(', ')}, and then they repeat.`,
        `The cycle therefore has length ${cycle}.`,
        tex`Now $${exponent} = ${Math.floor(exponent / cycle)} \cdot ${cycle} + ${exponent % cycle}$${exponent % cycle ? '' : ', so the power stands at the end of a cycle'}.`,
        tex`So $${base}^{${exponent}}$ leaves the same remainder as $${base}^{${rest}}$, which is $${answer}$.`,
      ],
      checks: [
        tex`After the remainder $${powers.at(-1)!}$ the next one is that of $${powers.at(-1)!} \cdot ${base} = ${powers.at(-1)! * base}$, which is $${powers[0]!}$ again, so the cycle is right`,
      ],
      doubt: `Do I count the cycle from the first power or from the zeroth? From the first: the power with exponent 1 leaves ${powers[0]!}, which opens the list.`,
      verdict: `The remainder is ${answer}.`,
      answer: String(answer),
    };
  },

  function multiplesInRange(r) {
    const [a, b] = r.pick<[number, number]>([
      [2, 3],
      [2, 5],
      [3, 5],
      [3, 4],
      [4, 5],
      [2, 7],
      [3, 7],
      [5, 6],
    ]);
    const n = r.pick([60, 80, 90, 100, 120, 150, 200, 250, 300]);
    const [x, y, both] = [Math.floor(n / a), Math.floor(n / b), Math.floor(n / (a * b))];
    return {
      topic: 'number theory',
      questions: [
        tex`How many integers from $1$ to $${n}$ are divisible by $${a}$ or by $${b}$?`,
        `Tickets are numbered from 1 to ${n}. A ticket wins if its number is a multiple of ${a} or of ${b}. How many winning tickets are there?`,
      ],
      goal: `the number of multiples of ${a} or ${b} up to ${n}`,
      idea: 'Count the multiples of each number and take away those that were counted twice.',
      steps: [
        tex`Up to $${n}$ there are $${x}$ multiples of $${a}$, since $${a} \cdot ${x} = ${a * x}$ and the next multiple is too large.`,
        tex`In the same way there are $${y}$ multiples of $${b}$.`,
        tex`A number divisible by both is a multiple of $${a} \cdot ${b} = ${a * b}$; there are $${both}$ of these.`,
        tex`They were counted twice, so the result is $${x} + ${y} - ${both} = ${x + y - both}$.`,
      ],
      checks: [
        tex`The numbers divisible by neither must then number $${n} - ${x + y - both} = ${n - (x + y - both)}$`,
      ],
      doubt: `Does "or" exclude the numbers divisible by both? No, in mathematics it includes them; they just must not be counted twice.`,
      verdict: `There are ${x + y - both} such integers.`,
      answer: String(x + y - both),
    };
  },

  function digitSumPair(r) {
    const tens = r.int(2, 9);
    const units = r.int(0, tens - 1);
    const [total, gap] = [tens + units, tens - units];
    return {
      topic: 'number theory',
      questions: [
        `The digits of a two-digit number add up to ${total}, and the tens digit is ${gap} more than the units digit. What is the number?`,
        `A two-digit number has the digit sum ${total}. Its tens digit exceeds its units digit by ${gap}. Find the number.`,
      ],
      goal: 'the two-digit number',
      idea: `Call the units digit $u$; then the tens digit is $u + ${gap}$.`,
      steps: [
        tex`The digit sum gives $u + (u + ${gap}) = ${total}$.`,
        tex`So $2u = ${total} - ${gap} = ${2 * units}$, which means $u = ${units}$.`,
        tex`The tens digit is $${units} + ${gap} = ${tens}$.`,
        tex`The number is $10 \cdot ${tens} + ${units} = ${10 * tens + units}$.`,
      ],
      checks: [
        `The digits ${tens} and ${units} satisfy ${tens} + ${units} = ${total} and ${tens} - ${units} = ${gap}`,
      ],
      doubt:
        'Which of the two digits is the larger one? The problem says it is the tens digit, so the order is fixed.',
      verdict: `The number is ${10 * tens + units}.`,
      answer: String(10 * tens + units),
    };
  },

  function baseConversion(r) {
    const base = r.pick([2, 3, 5, 6, 7, 8]);
    const n = r.int(base * base + 1, base === 2 ? 60 : base ** 3 * 2 - 1);
    const digits = n.toString(base).split('').map(Number);
    const places = digits.map((d, i) => ({ d, power: base ** (digits.length - 1 - i) }));
    return {
      topic: 'number theory',
      questions: [
        tex`Convert $${digits.join('')}_{${base}}$ to base $10$.`,
        `A number is written as ${digits.join('')} in base ${base}. What is it in the decimal system?`,
      ],
      goal: `the decimal value of ${digits.join('')} in base ${base}`,
      idea: `Each digit is multiplied by its power of ${base}.`,
      steps: [
        tex`From left to right, the places are worth ${listed(places.map(({ power }) => `$${power}$`))}.`,
        tex`The digits contribute ${listed(places.map(({ d, power }) => tex`$${d} \cdot ${power} = ${d * power}$`))}.`,
        tex`The sum is $${places.map(({ d, power }) => d * power).join(' + ')} = ${n}$.`,
      ],
      checks: [`Dividing ${n} by ${base} leaves the remainder ${n % base}, which is indeed the last digit`],
      verdict: `In base 10 the number is ${n}.`,
      answer: String(n),
    };
  },

  function consecutiveIntegers(r) {
    const step = r.pick([1, 2]);
    const count = r.pick([3, 5]);
    const first = step === 1 ? r.int(7, 60) : 2 * r.int(4, 30);
    const values = range(0, count - 1).map((i) => first + step * i);
    const middle = values[(count - 1) / 2]!;
    const kind = step === 1 ? 'consecutive integers' : 'consecutive even integers';
    return {
      topic: 'algebra',
      questions: [
        tex`The sum of ${count === 3 ? 'three' : 'five'} ${kind} is $${sum(values)}$. What is the largest of them?`,
        `${count === 3 ? 'Three' : 'Five'} ${kind} add up to ${sum(values)}. Find the greatest one.`,
      ],
      goal: `the largest of the ${count} numbers`,
      idea: 'The numbers are evenly spaced, so the middle one is their average.',
      steps: [
        tex`The middle number is $\frac{${sum(values)}}{${count}} = ${middle}$.`,
        `Neighboring numbers differ by ${step}, and the largest is ${(count - 1) / 2} ${count === 3 ? 'place' : 'places'} after the middle one.`,
        tex`So the largest number is $${middle} + ${((count - 1) / 2) * step} = ${values.at(-1)!}$.`,
      ],
      checks: [tex`$${values.join(' + ')} = ${sum(values)}$`],
      verdict: `The largest of them is ${values.at(-1)!}.`,
      answer: String(values.at(-1)!),
    };
  },

  function clockRemainder(r) {
    const start = r.int(1, 11);
    const hours = r.int(40, 400);
    const total = start + hours;
    const answer = total % 12 || 12;
    return {
      topic: 'number theory',
      questions: [
        `A clock with twelve hours shows ${start} o'clock. What hour will it show after ${hours} hours?`,
        `It is ${start} o'clock now. Which number will the hour hand of a twelve-hour clock point to in ${hours} hours?`,
      ],
      goal: `the hour shown after ${hours} hours`,
      idea: 'Every 12 hours the clock shows the same time again, so only the remainder counts.',
      steps: [
        tex`Counting on from ${start} gives $${start} + ${hours} = ${total}$.`,
        tex`Divide by $12$: $${total} = ${Math.floor(total / 12)} \cdot 12 + ${total % 12}$.`,
        total % 12 === 0
          ? `A remainder of 0 corresponds to 12 o'clock.`
          : `The remainder is ${answer}, so the clock shows ${answer} o'clock.`,
      ],
      checks: [
        tex`Going back, $${Math.floor(hours / 12)} \cdot 12 = ${Math.floor(hours / 12) * 12}$ hours change nothing, and the other ${hours % 12} lead from ${start} to ${answer}`,
      ],
      verdict: `The clock shows ${answer} o'clock.`,
      answer: String(answer),
    };
  },

  function factorialZeros(r) {
    const n = r.int(25, 124);
    const counts = [Math.floor(n / 5), Math.floor(n / 25)] as const;
    return {
      topic: 'number theory',
      questions: [
        tex`With how many zeros does $${n}!$ end?`,
        `The product of all integers from 1 to ${n} is written out in full. How many zeros are at its end?`,
      ],
      goal: tex`the number of zeros at the end of $${n}!$`,
      idea: tex`A zero at the end comes from a factor $10 = 2 \cdot 5$, and factors $5$ are rarer than factors $2$.`,
      steps: [
        `So it suffices to count how often 5 divides the product.`,
        tex`There are $${counts[0]}$ multiples of $5$ up to $${n}$.`,
        counts[1] === 1
          ? 'One of these is $25$, which contributes a second factor $5$.'
          : tex`Of these, $${counts[1]}$ are multiples of $25$ and contribute a second factor $5$.`,
        tex`Altogether the factor $5$ appears $${counts[0]} + ${counts[1]} = ${sum(counts)}$ times.`,
      ],
      checks: [
        `There are ${Math.floor(n / 2)} even numbers up to ${n}, so there are more than enough factors 2 to pair with`,
      ],
      verdict: `The number ends with ${sum(counts)} zeros.`,
      answer: String(sum(counts)),
    };
  },
];
