// Word problems about collections and shares: more and fewer, times as many, ratios, fractions, ages.
import { plural } from '../english.ts';
import { people, person } from '../people.ts';
import type { StoryFamily } from '../storyProblem.ts';
import { thing, twoThings } from '../things.ts';

export const sharing: StoryFamily[] = [
  function threeCollectors(r) {
    const [a, b, c] = people(r, 3);
    const what = thing(r, 'collectibles');
    return {
      given: { n: [r.int(12, 60), what], times: [r.int(2, 4), ''], less: [r.int(3, 11), what] },
      scene: [
        `${a.name}, ${b.name}, and ${c.name} are neighbors.`,
        `Three friends compare their collections.`,
        `Collecting ${plural(what)} is popular at their school.`,
      ],
      tellings: [
        `${a.name} has {n}. ${b.name} has {times#} times as many as ${a.name}, and ${c.name} has {less} fewer than ${b.name}.`,
        `${c.name} owns {less} fewer than ${b.name}, who owns {times#} times as many as ${a.name}. ${a.name} owns {n}.`,
      ],
      asks: [
        `How many ${plural(what)} do the three have altogether?`,
        `What is the total number of ${plural(what)}?`,
      ],
      goal: `the total number of ${plural(what)}`,
      steps: [
        ['second', 'times * n', what, `${b.name} has {=}`, `The number ${b.name} has is {=}`],
        ['third', 'second - less', what, `${c.name} has {=}`, `So ${c.name} owns {=}`],
        ['two', 'n + second', what, `${a.name} and ${b.name} together have {=}`, `The first two own {=}`],
        ['all', 'two + third', what, 'All three have {=}', `Adding those of ${c.name} gives {=}`],
      ],
      verdict: `The three have {answer} altogether.`,
    };
  },

  function shareEqually(r) {
    const [who, friend] = people(r, 2);
    const what = thing(r, r.pick(['treats', 'toys', 'collectibles'] as const));
    const [boxes, size, friends] = [r.int(3, 7), r.int(9, 20), r.int(3, 7)];
    const kept = ((boxes * size) % friends) + friends * r.int(1, 2);
    return {
      given: { boxes: [boxes, 'box'], size: [size, what], kept: [kept, what], friends: [friends, 'friend'] },
      scene: [
        `${who.name} is known for being generous.`,
        `${who.name} and ${friend.name} bring something to share on the last day of camp.`,
        `The class has worked hard all week.`,
      ],
      tellings: [
        `${who.name} has {boxes} with {size} in each. ${who.He} keeps {kept} and shares the rest equally among {friends}.`,
        `In each of {boxes} there are {size}. ${who.name} sets {kept} aside and divides the others fairly among {friends}.`,
      ],
      asks: [`How many ${plural(what)} does each friend get?`, 'What does every friend receive?'],
      goal: `the number of ${plural(what)} for each friend`,
      steps: [
        ['all', 'boxes * size', what, `At first ${who.name} has {=}`, 'The boxes hold {=}'],
        [
          'rest',
          'all - kept',
          what,
          'The number to share is {=}',
          `After keeping some, ${who.he} has {=} to give away`,
        ],
        [
          'each',
          'rest / friends',
          what,
          'Each friend gets {=}',
          'Dividing equally gives {=} for each friend',
        ],
      ],
      verdict: 'Each friend gets {answer}.',
    };
  },

  function ratioSplit(r) {
    const [a, b] = people(r, 2);
    const [p, q] = r.pick<[number, number]>([
      [2, 3],
      [3, 4],
      [1, 4],
      [3, 5],
      [2, 5],
      [4, 5],
      [5, 7],
      [1, 3],
    ]);
    const one = r.int(4, 30);
    const job = r.pick([
      'painting a fence',
      'washing cars',
      'mowing lawns',
      'walking dogs',
      'selling lemonade',
      'raking leaves',
    ]);
    return {
      given: { total: [one * (p + q), '$'], p: [p, 'part'], q: [q, 'part'] },
      scene: [
        `${a.name} and ${b.name} worked different hours last weekend.`,
        `Fairness matters to both of them.`,
        `The two agreed on the split in advance.`,
      ],
      tellings: [
        `${a.name} and ${b.name} earned {total} by ${job}. They split the money in the ratio {p#}:{q#}, with ${a.name} getting the smaller part.`,
        `By ${job}, two friends made {total}. They divide it so that ${a.name} receives {p} and ${b.name} receives {q}.`,
      ],
      asks: [`How much money does ${b.name} get?`, `What is ${b.name}'s share in dollars?`],
      goal: `${b.name}'s share`,
      steps: [
        ['parts', 'p + q', 'part', 'There are {=} in total', 'The number of equal parts is {=}'],
        ['one', 'total / parts', '$', 'One part is worth {=}', 'Each part amounts to {=}'],
        ['share', 'one * q', '$', `${b.name} gets {=}`, `The share of ${b.name} is {=}`],
      ],
      verdict: `${b.name} gets {answer}.`,
    };
  },

  function fractionsGivenAway(r) {
    const who = person(r);
    const what = thing(r, r.pick(['collectibles', 'toys', 'stationery'] as const));
    const [d, e] = [r.pick([3, 4, 5]), r.pick([2, 3, 4])];
    return {
      given: { start: [d * e * r.int(3, 9), what], d: [d, ''], e: [e, ''] },
      scene: [
        `${who.name} is tidying the attic.`,
        `${who.name} decided to give some things away before moving.`,
        `Spring cleaning has begun.`,
      ],
      tellings: [
        `${who.name} has {start}. ${who.He} gives 1/{d#} of them to a cousin and then 1/{e#} of the remaining ones to a neighbor.`,
        `Out of {start}, ${who.name} first gives away one part in {d#}. Of those that are left, ${who.he} gives away one part in {e#}.`,
      ],
      asks: [`How many ${plural(what)} does ${who.name} still have?`, `How many ${plural(what)} are left?`],
      goal: `the number of ${plural(what)} that are left`,
      steps: [
        ['cousin', 'start / d', what, 'The first gift is {=}', `First, ${who.name} gives away {=}`],
        ['rest', 'start - cousin', what, 'After that, {=} remain', 'This leaves {=}'],
        ['neighbor', 'rest / e', what, 'The second gift is {=}', `Next, ${who.he} gives away {=}`],
        ['left', 'rest - neighbor', what, `In the end ${who.name} has {=}`, 'Finally, {=} remain'],
      ],
      verdict: `${who.name} still has {answer}.`,
    };
  },

  function agesNowAndLater(r) {
    const [a, b, c] = people(r, 3);
    const relation = r.pick(['grandmother', 'uncle', 'teacher', 'aunt', 'coach']);
    return {
      given: {
        child: [r.int(6, 14), 'year'],
        times: [r.int(3, 5), ''],
        gap: [r.int(3, 8), 'year'],
        later: [r.int(4, 12), 'year'],
      },
      scene: [
        `${a.name}'s family has a birthday calendar on the wall.`,
        `${a.name} and ${b.name} look through an old photo album.`,
        `It is ${a.name}'s birthday today.`,
      ],
      tellings: [
        `${a.name} is {child} old. ${a.His} ${relation} is {times#} times as old as ${a.name}, and ${c.name} is {gap} younger than the ${relation}.`,
        `The ${relation} of ${a.name} is {times#} times ${a.his} age, and ${a.name} is {child} old. ${c.name} was born {gap} after the ${relation}.`,
      ],
      asks: [`How old will ${c.name} be in {later}?`, `What will ${c.name}'s age be {later} from now?`],
      goal: `${c.name}'s age in {later}`,
      steps: [
        ['elder', 'times * child', 'year', `The ${relation} is {=} old`, `The age of the ${relation} is {=}`],
        ['younger', 'elder - gap', 'year', `${c.name} is {=} old now`, `So ${c.name} is now {=} old`],
        [
          'then',
          'younger + later',
          'year',
          `In {later}, ${c.name} will be {=} old`,
          'Adding the years gives {=}',
        ],
      ],
      verdict: `${c.name} will be {answer} old.`,
    };
  },

  function gainsAndLosses(r) {
    const who = person(r);
    const what = thing(r, 'toys');
    const start = r.int(20, 70);
    const lost = r.int(4, 15);
    return {
      given: {
        start: [start, what],
        lost: [lost, what],
        won: [r.int(5, 25), what],
        times: [r.int(2, 3), ''],
      },
      scene: [
        `The schoolyard is full of children playing.`,
        `${who.name} plays with ${plural(what)} during every break.`,
        `Luck changes quickly in this game.`,
      ],
      tellings: [
        `${who.name} starts the week with {start}. ${who.He} gives {lost#} to a younger child and gets {won#} from a friend. Later ${who.his} uncle brings so many that ${who.name} ends up with {times#} times as many as before the visit.`,
        `After giving away {lost#} of {start} and receiving {won#} others, ${who.name} is visited by an uncle. His present makes the number of ${plural(what)} {times#} times as large.`,
      ],
      asks: [
        `How many ${plural(what)} does ${who.name} have at the end?`,
        `What is the final number of ${plural(what)}?`,
      ],
      goal: `the final number of ${plural(what)}`,
      steps: [
        [
          'a',
          'start - lost',
          what,
          `After giving some away, ${who.name} has {=}`,
          'After the first gift, {=} are left',
        ],
        ['b', 'a + won', what, `With the new ones ${who.he} has {=}`, 'Then the number grows to {=}'],
        ['c', 'b * times', what, `After the visit there are {=}`, 'The present of the uncle makes it {=}'],
      ],
      verdict: `${who.name} has {answer} at the end.`,
    };
  },

  function animalLegs(r) {
    const who = person(r);
    const [two, four] = [
      r.pick(['hen', 'duck', 'goose', 'turkey']),
      r.pick(['goat', 'rabbit', 'sheep', 'pony', 'cow']),
    ];
    return {
      given: { birds: [r.int(5, 30), two], mammals: [r.int(4, 20), four] },
      scene: [
        `${who.name}'s farm lies at the end of a dirt road.`,
        `Visitors can feed the animals on weekends.`,
        `${who.name} gets up early to let the animals out.`,
      ],
      tellings: [
        `On the farm there are {birds} and {mammals}. ${who.name} counts all of their legs.`,
        `${who.name} looks after {birds} and {mammals}, and a little visitor asks about the number of legs. Each ${two} has 2 legs and each ${four} has 4.`,
      ],
      asks: ['How many legs are there?', 'What is the total number of legs?'],
      goal: 'the total number of legs',
      steps: [
        ['b', 'birds * 2', 'leg', `The ${plural(two)} have {=}`, `With 2 legs each, the {birds} have {=}`],
        [
          'm',
          'mammals * 4',
          'leg',
          `The ${plural(four)} have {=}`,
          `With 4 legs each, the {mammals} have {=}`,
        ],
        ['all', 'b + m', 'leg', 'In total there are {=}', 'Adding both gives {=}'],
      ],
      verdict: 'There are {answer}.',
    };
  },

  function differenceOfTwo(r) {
    const [a, b] = people(r, 2);
    const [x, y] = twoThings(r, 'crafts');
    const [n, m] = [r.int(3, 9), r.int(3, 9)];
    const [p, q] = [r.int(6, 20), r.int(6, 20)];
    const [big, small] = n * p > m * q ? [a, b] : [b, a];
    const order = n * p > m * q ? 'one - two' : 'two - one';
    return {
      given: { n: [n, x], p: [p, '$'], m: [m, y], q: [q, '$'] },
      scene: [
        `The school is holding a craft sale.`,
        `${a.name} and ${b.name} share a table at the market.`,
        `All the money goes to the animal shelter.`,
      ],
      tellings: [
        `${a.name} sells {n} at {p} each, and ${b.name} sells {m} at {q} each.`,
        `The price of one ${x} is {p}, and that of one ${y} is {q}. ${a.name} sells {n}, while ${b.name} sells {m}.`,
      ],
      asks: [
        `How much more does ${big.name} earn than ${small.name}?`,
        `By how many dollars do ${big.name}'s sales exceed ${small.name}'s?`,
      ],
      goal: `the difference between the two amounts`,
      steps: [
        ['one', 'n * p', '$', `${a.name} earns {=}`, `The sales of ${a.name} come to {=}`],
        ['two', 'm * q', '$', `${b.name} earns {=}`, `The sales of ${b.name} come to {=}`],
        ['more', order, '$', 'The difference is {=}', `${big.name} is ahead by {=}`],
      ],
      verdict: `${big.name} earns {answer} more than ${small.name}.`,
    };
  },

  function seatsInRows(r) {
    const place = r.pick(['theater', 'cinema', 'lecture hall', 'stadium stand', 'concert hall']);
    const [rows, seats] = [r.int(8, 25), r.int(10, 30)];
    return {
      given: {
        rows: [rows, 'row'],
        seats: [seats, 'seat'],
        balcony: [r.int(15, 80), 'seat'],
        sold: [r.int(60, rows * seats), 'ticket'],
      },
      scene: [
        `The old ${place} was renovated last year.`,
        `Tonight's show is the talk of the town.`,
        `The ticket office opens an hour before the show.`,
      ],
      tellings: [
        `A ${place} has {rows} of {seats} each and a balcony with another {balcony}. For tonight, {sold} have been sold.`,
        `There are {balcony} on the balcony of a ${place} and {rows} with {seats} each on the main floor. So far {sold} for tonight's show have been sold.`,
      ],
      asks: ['How many seats are still free?', 'For how many seats can tickets still be bought?'],
      goal: 'the number of free seats',
      steps: [
        ['floor', 'rows * seats', 'seat', 'The main floor has {=}', 'The rows hold {=}'],
        ['all', 'floor + balcony', 'seat', 'With the balcony there are {=}', `The whole ${place} has {=}`],
        ['free', 'all - sold', 'seat', 'The number still free is {=}', 'After the sales, {=} remain'],
      ],
      verdict: 'There are still {answer} free.',
    };
  },
];
