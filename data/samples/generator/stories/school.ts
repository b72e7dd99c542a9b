// Word problems about school and clubs: averages, groups, fund-raising, points, attendance.
import { plural } from '../english.ts';
import { people, person, TOWNS } from '../people.ts';
import type { StoryFamily } from '../storyProblem.ts';
import { thing } from '../things.ts';

export const school: StoryFamily[] = [
  function averageOfThree(r) {
    const who = person(r);
    const what = r.pick(['quiz', 'spelling test', 'history paper', 'chemistry test', 'geography quiz']);
    const [a, b] = [r.int(60, 98), r.int(60, 98)];
    const c = r.pick([...Array(36).keys()].map((i) => 60 + i).filter((n) => (a + b + n) % 3 === 0));
    return {
      given: { a: [a, 'point'], b: [b, 'point'], c: [c, 'point'] },
      scene: [
        `The grades were posted on the classroom door.`,
        `${who.name} studied hard this term.`,
        `${who.name} keeps all the results in a folder.`,
      ],
      tellings: [
        `${who.name} scored {a} on the first ${what}, {b} on the second, and {c} on the third.`,
        `On three tests in a row, ${who.name}'s results were {a}, {b}, and {c}.`,
      ],
      asks: [`What is ${who.name}'s average score?`, 'What is the mean of the three scores?'],
      goal: 'the average score',
      steps: [
        ['two', 'a + b', 'point', 'The first two scores add up to {=}', 'Adding the first two gives {=}'],
        ['all', 'two + c', 'point', 'With the third, the sum is {=}', 'All three together make {=}'],
        ['mean', 'all / 3', 'point', 'Divided by the number of tests, that is {=}', 'The average is {=}'],
      ],
      verdict: 'The average is {answer}.',
    };
  },

  function scoreNeeded(r) {
    const who = person(r);
    const [a, b, third] = [r.int(66, 92), r.int(66, 92), r.int(70, 100)];
    return {
      given: { goal: [(a + b + third) / 3, 'point'], a: [a, 'point'], b: [b, 'point'] },
      scene: [
        `There is one more test before the holidays.`,
        `${who.name} hopes to get into the honors class.`,
        `The teacher explained how the final grade is computed.`,
      ],
      tellings: [
        `${who.name} wants an average of {goal} over three tests. On the first two ${who.he} got {a} and {b}.`,
        `So far ${who.name} has scored {a} and {b} on two tests. The goal is a mean of {goal} after the third test.`,
      ],
      asks: [
        `How many points must ${who.name} get on the third test?`,
        'What score on the third test is needed?',
      ],
      goal: 'the score needed on the third test',
      steps: [
        [
          'sum',
          '3 * goal',
          'point',
          'The three scores must add up to {=}',
          'For that average the sum has to be {=}',
        ],
        ['have', 'a + b', 'point', `${who.name} already has {=}`, 'The first two tests make {=}'],
        ['need', 'sum - have', 'point', 'So the third score has to be {=}', 'The difference is {=}'],
      ],
      verdict: `${who.name} needs {answer} on the third test.`,
    };
  },

  function busesForTheTrip(r) {
    const [classes, pupils, size] = [r.int(3, 8), r.int(17, 28), r.pick([20, 24, 30])];
    const adults = size * Math.ceil((classes * pupils + 4) / size) - classes * pupils;
    return {
      given: {
        classes: [classes, 'class'],
        pupils: [pupils, 'student'],
        adults: [adults, 'adult'],
        size: [size, 'person'],
        price: [10 * r.int(12, 30), '$'],
      },
      scene: [
        `The whole school is going to the nature park.`,
        `The school in ${r.pick(TOWNS)} plans its annual trip.`,
        `Everyone has packed a lunch and a raincoat.`,
      ],
      tellings: [
        `On a school trip there are {classes} of {pupils} each, along with {adults}. Each bus carries {size} and costs {price} to rent.`,
        `A group of {adults} and {classes} with {pupils} in each go on a trip. They travel in buses with room for {size}, and renting one bus costs {price}.`,
      ],
      asks: ['How much does it cost to rent enough buses?', 'What is the total price for the buses?'],
      goal: 'the total price for the buses',
      steps: [
        ['students', 'classes * pupils', 'student', 'The number of students is {=}', 'The classes have {=}'],
        ['all', 'students + adults', 'person', 'With the adults there are {=}', 'The whole group has {=}'],
        ['buses', 'all / size', 'bus', 'They need {=}', 'The group fills {=}'],
        ['cost', 'buses * price', '$', 'Renting them costs {=}', 'The price is {=}'],
      ],
      verdict: 'The buses cost {answer}.',
    };
  },

  function fundraiser(r) {
    const who = person(r);
    const what = r.pick([
      'raffle ticket',
      'calendar',
      'plant pot',
      'box of cookies',
      'greeting card',
      'bag of popcorn',
    ]);
    const goal = 50 * r.int(8, 20);
    const price = r.pick([2, 4, 5, 10]);
    const donated = 10 * r.int(5, 15);
    return {
      given: { goal: [goal, '$'], donated: [donated, '$'], price: [price, '$'], sold: [r.int(8, 30), what] },
      scene: [
        `The school band needs new instruments.`,
        `A storm damaged the roof of the gym.`,
        `The chess club hopes to travel to a tournament.`,
      ],
      tellings: [
        `${who.name}'s club wants to raise {goal}. A local company donates {donated}, and the club sells each ${what} for {price}. So far it has sold {sold}.`,
        `To raise {goal}, a club sells ${plural(what)} at {price} each. It has received a donation of {donated} and has already sold {sold}.`,
      ],
      asks: ['How much money is still missing?', 'How many dollars does the club still need?'],
      goal: 'the money that is still missing',
      steps: [
        [
          'sales',
          'sold * price',
          '$',
          'The sales have brought in {=}',
          `The ${plural(what)} have earned {=}`,
        ],
        [
          'have',
          'donated + sales',
          '$',
          'Together with the donation the club has {=}',
          'So far there are {=}',
        ],
        ['missing', 'goal - have', '$', 'Still missing is {=}', 'The club still needs {=}'],
      ],
      verdict: 'The club still needs {answer}.',
    };
  },

  function groupsAndPaper(r) {
    const who = person(r);
    const size = r.int(3, 6);
    const groups = r.int(4, 9);
    const a = thing(r, 'stationery');
    return {
      given: {
        students: [size * groups, 'student'],
        size: [size, 'student'],
        per: [r.int(3, 10), a],
        spare: [r.int(4, 12), a],
      },
      scene: [
        `The art teacher, a friend of ${who.name}, is preparing a lesson.`,
        `Today the class works in groups.`,
        `The classroom tables have been pushed together.`,
      ],
      tellings: [
        `${who.name} divides {students} into groups of {size#}. Each group gets {per}, and {spare} are kept in reserve.`,
        `A class of {students} works in groups of {size#}. ${who.name} hands {per} to every group and keeps another {spare} on the desk.`,
      ],
      asks: [`How many ${plural(a)} are there in total?`, `What is the total number of ${plural(a)}?`],
      goal: `the total number of ${plural(a)}`,
      steps: [
        ['groups', 'students / size', 'group', 'There are {=}', 'The class makes {=}'],
        ['used', 'groups * per', a, 'The groups receive {=}', 'Handing them out takes {=}'],
        ['all', 'used + spare', a, 'With the reserve there are {=}', 'In total that is {=}'],
      ],
      verdict: 'There are {answer} in total.',
    };
  },

  function attendance(r) {
    const event = r.pick([
      'concert',
      'science fair',
      'school play',
      'football match',
      'poetry evening',
      'robotics show',
    ]);
    const town = r.pick(TOWNS);
    return {
      given: {
        first: [20 * r.int(5, 25), 'visitor'],
        rise: [r.pick([5, 10, 15, 20, 25, 30]), '%'],
        third: [r.int(60, 240), 'visitor'],
      },
      scene: [
        `The annual ${event} in ${town} lasts three days.`,
        `Posters for the ${event} hang all over ${town}.`,
        `Volunteers count everyone who comes in.`,
      ],
      tellings: [
        `On the first day of a ${event}, there were {first}. On the second day the number was {rise} higher, and on the third day {third} came.`,
        `A ${event} had {first} on its first day and {third} on its third. The second day had {rise} more visitors than the first.`,
      ],
      asks: ['How many visitors came over the three days?', 'What was the total number of visitors?'],
      goal: 'the total number of visitors',
      steps: [
        [
          'more',
          'first * rise',
          'visitor',
          'The increase on the second day was {=}',
          'A rise of {rise} means {=} more',
        ],
        [
          'second',
          'first + more',
          'visitor',
          'So the second day had {=}',
          'On the second day there were {=}',
        ],
        ['two', 'first + second', 'visitor', 'The first two days make {=}', 'Up to then there had been {=}'],
        ['all', 'two + third', 'visitor', 'With the third day the total is {=}', 'Altogether there were {=}'],
      ],
      verdict: 'There were {answer} in all.',
    };
  },

  function gamePoints(r) {
    const [a, b] = people(r, 2);
    const game = r.pick(['basketball', 'handball', 'darts', 'table tennis', 'bowling', 'archery']);
    const lead = r.int(3, 14);
    return {
      given: { first: [r.int(15, 40), 'point'], second: [r.int(10, 35), 'point'], lead: [lead, 'point'] },
      scene: [
        `The gym is full for the ${game} final.`,
        `${a.name} and ${b.name} have been rivals for years.`,
        `The crowd cheers for both sides.`,
      ],
      tellings: [
        `In a game of ${game}, ${a.name} scores {first} in the first half and {second} in the second. ${b.name} finishes {lead} behind ${a.name}.`,
        `${b.name} ends the ${game} match with {lead} fewer than ${a.name}, who got {first} before the break and {second} after it.`,
      ],
      asks: ['How many points do the two have together?', 'What is the sum of both final scores?'],
      goal: 'the sum of both scores',
      steps: [
        ['a', 'first + second', 'point', `${a.name} has {=}`, `The score of ${a.name} is {=}`],
        ['b', 'a - lead', 'point', `${b.name} has {=}`, `So ${b.name} finishes with {=}`],
        ['sum', 'a + b', 'point', 'Together they have {=}', 'The sum of the scores is {=}'],
      ],
      verdict: 'Together they have {answer}.',
    };
  },

  function libraryShelves(r) {
    const who = person(r);
    const shelves = r.int(4, 12);
    const books = r.int(18, 40);
    return {
      given: {
        shelves: [shelves, 'shelf'],
        books: [books, 'book'],
        lent: [r.int(20, 60), 'book'],
        back: [r.int(5, 19), 'book'],
      },
      scene: [
        `The town library is closed on Mondays.`,
        `${who.name} helps in the school library after class.`,
        `New books arrived in a heavy box.`,
      ],
      tellings: [
        `A reading room has {shelves} with {books} on each. This morning, {lent} are lent out and {back} are brought back.`,
        `${who.name} counts {shelves} holding {books} apiece. During the day readers borrow {lent} and return {back}.`,
      ],
      asks: [
        'How many books are in the room at the end of the day?',
        'How many books does the room hold in the evening?',
      ],
      goal: 'the number of books in the evening',
      steps: [
        ['all', 'shelves * books', 'book', 'At first there are {=}', 'The shelves hold {=}'],
        ['after', 'all - lent', 'book', 'Lending leaves {=}', 'After some are borrowed, there are {=}'],
        [
          'end',
          'after + back',
          'book',
          'With the returned ones there are {=}',
          'The returns bring it to {=}',
        ],
      ],
      verdict: 'There are {answer} in the room in the evening.',
    };
  },

  function clubFees(r) {
    const who = person(r);
    const club = r.pick(['chess', 'drama', 'rowing', 'photography', 'judo', 'gardening', 'robotics']);
    const members = r.int(12, 40);
    return {
      given: {
        old: [members, 'member'],
        new: [r.int(4, 15), 'member'],
        gone: [r.int(2, 9), 'member'],
        fee: [r.int(5, 25), '$'],
      },
      scene: [
        `The ${club} club meets in the old town hall.`,
        `${who.name} is the treasurer of the ${club} club.`,
        `A new season begins in September.`,
      ],
      tellings: [
        `The ${club} club had {old} last year. Since then {gone#} have left and {new#} have joined. Every member pays {fee}.`,
        `Last year there were {old} in ${who.name}'s ${club} club. This year {new#} people joined, {gone#} left, and the fee for each member is {fee}.`,
      ],
      asks: [
        'How much does the club collect in fees this year?',
        `How many dollars in fees does ${who.name} collect?`,
      ],
      goal: 'the fees collected this year',
      steps: [
        ['stay', 'old - gone', 'member', 'After some left, there were {=}', 'Those who stayed number {=}'],
        ['now', 'stay + new', 'member', 'With the new people there are {=}', 'So the club now has {=}'],
        ['money', 'now * fee', '$', 'The fees add up to {=}', 'At {fee} each, the fees make {=}'],
      ],
      verdict: 'The club collects {answer}.',
    };
  },
];
