// Word problems about work: wages, rates of output, goals, savings, shared jobs.
import { plural } from '../english.ts';
import { people, person, TOWNS, WEEKDAYS } from '../people.ts';
import type { StoryFamily } from '../storyProblem.ts';
import { thing } from '../things.ts';

export const work: StoryFamily[] = [
  function wageWithOvertime(r) {
    const who = person(r);
    const job = r.pick([
      'warehouse',
      'hotel kitchen',
      'plant nursery',
      'print shop',
      'bicycle workshop',
      'laundry',
    ]);
    return {
      given: {
        hours: [r.int(30, 40), 'hour'],
        wage: [r.int(11, 24), '$'],
        extra: [r.int(2, 10), 'hour'],
        over: [r.int(25, 36), '$'],
      },
      scene: [
        `The ${job} is busiest in December.`,
        `${who.name} works at a ${job} in ${r.pick(TOWNS)}.`,
        `Orders have piled up at the ${job}.`,
      ],
      tellings: [
        `${who.name} earns {wage} an hour for regular work and {over} an hour for overtime. This week ${who.he} worked {hours} of regular time and {extra} of overtime.`,
        `In one week, ${who.name} worked {hours} at the normal rate of {wage} an hour. ${who.He} also put in {extra} of overtime, paid at {over} an hour.`,
      ],
      asks: [`What is ${who.name}'s pay for the week?`, `How much did ${who.name} earn this week?`],
      goal: `${who.name}'s pay for the week`,
      steps: [
        ['base', 'hours * wage', '$', 'The regular hours pay {=}', `For regular work ${who.name} earns {=}`],
        ['bonus', 'extra * over', '$', 'The overtime pays {=}', `Overtime brings another {=}`],
        ['pay', 'base + bonus', '$', 'The total pay is {=}', 'Adding both parts gives {=}'],
      ],
      verdict: `${who.name} earns {answer} this week.`,
    };
  },

  function readingPace(r) {
    const who = person(r);
    const left = r.int(3, 9);
    const pace = r.int(12, 30);
    const [days, slow] = [r.int(3, 7), r.int(6, 11)];
    const book = r.pick([
      'a detective novel',
      'a history of sailing',
      'a book about volcanoes',
      'a long fantasy novel',
      'a biography of a chemist',
    ]);
    return {
      given: {
        pages: [days * slow + left * pace, 'page'],
        days: [days, 'day'],
        slow: [slow, 'page'],
        pace: [pace, 'page'],
      },
      scene: [
        `${who.name} borrowed ${book} from the library.`,
        `The rainy week is perfect for reading.`,
        `${who.name} always keeps a book on the bedside table.`,
      ],
      tellings: [
        `The book has {pages}. For the first {days}, ${who.name} reads {slow} a day, and from then on ${who.he} reads {pace} a day.`,
        `${who.name} is reading a book of {pages}. ${who.He} managed only {slow} a day during the first {days}. Since then ${who.he} has been reading {pace} every day.`,
      ],
      asks: [
        `How many more days does ${who.he} need to finish the book at the faster pace?`,
        `For how many days does ${who.name} read at the faster pace before the book is finished?`,
      ],
      goal: 'the number of days at the faster pace',
      steps: [
        [
          'done',
          'days * slow',
          'page',
          `In the first days ${who.name} reads {=}`,
          'The slow start covers {=}',
        ],
        ['rest', 'pages - done', 'page', 'The part that is left is {=}', `So ${who.he} still has {=} to go`],
        [
          'need',
          'rest / pace',
          'day',
          'At the faster pace this takes {=}',
          'Dividing by the faster pace gives {=}',
        ],
      ],
      verdict: `${who.name} needs {answer} at the faster pace.`,
    };
  },

  function bakeryOutput(r) {
    const a = thing(r, 'treats');
    const who = person(r);
    return {
      given: {
        trays: [r.int(4, 14), 'tray'],
        size: [r.int(8, 24), a],
        burnt: [r.int(3, 20), a],
        price: [r.int(2, 5), '$'],
      },
      scene: [
        `The bakery on ${r.pick(['Mill Street', 'Harbor Lane', 'Church Road', 'Station Street'])} opens at six in the morning.`,
        `${who.name} lights the ovens before sunrise.`,
        `The smell of warm butter drifts through the street.`,
      ],
      tellings: [
        `${who.name} bakes {trays} of ${plural(a)} with {size} on each tray. Unfortunately {burnt#} of them burn. The rest are sold for {price} each.`,
        `In the morning, {trays} go into the oven, each holding {size}. After throwing away {burnt} that got burnt, the bakery sells all the others at {price} apiece.`,
      ],
      asks: ['How much money does the bakery take in?', `What are the earnings from the ${plural(a)}?`],
      goal: `the earnings from the ${plural(a)}`,
      steps: [
        ['baked', 'trays * size', a, `The number of ${plural(a)} baked is {=}`, 'The trays hold {=}'],
        [
          'good',
          'baked - burnt',
          a,
          'Of these, {=} can be sold',
          'Without the burnt ones, there are {=} left',
        ],
        ['money', 'good * price', '$', 'Selling them brings in {=}', 'At {price} each, they earn {=}'],
      ],
      verdict: 'The bakery takes in {answer}.',
    };
  },

  function savingForSomething(r) {
    const who = person(r);
    const goal = thing(r, 'projects');
    const weeks = r.int(5, 20);
    const [earn, spend] = [r.int(20, 45), r.int(4, 15)];
    const start = r.int(10, 60);
    return {
      given: {
        price: [start + weeks * (earn - spend), '$'],
        start: [start, '$'],
        earn: [earn, '$'],
        spend: [spend, '$'],
      },
      scene: [
        `${who.name} dreams of buying ${goal}.`,
        `${who.name} does odd jobs for the neighbors.`,
        `On ${r.pick(WEEKDAYS)}s, ${who.name} delivers newspapers.`,
      ],
      tellings: [
        `${who.name} wants to buy ${goal} that costs {price} and already has {start}. Each week ${who.he} earns {earn} and spends {spend} of it on lunch.`,
        `For ${goal}, ${who.name} needs {price}. ${who.He} starts with {start} in the bank. Every week ${who.he} earns another {earn}, but {spend} of that goes to snacks and bus tickets.`,
      ],
      asks: [
        `How many weeks will it take ${who.name} to save enough?`,
        `After how many weeks can ${who.name} afford it?`,
      ],
      goal: 'the number of weeks',
      steps: [
        ['missing', 'price - start', '$', `${who.name} still needs {=}`, 'The missing amount is {=}'],
        [
          'weekly',
          'earn - spend',
          '$',
          `Each week ${who.he} can put aside {=}`,
          'The weekly savings are {=}',
        ],
        [
          'weeks',
          'missing / weekly',
          'week',
          'Saving that amount takes {=}',
          'Dividing the missing amount by the weekly savings gives {=}',
        ],
      ],
      verdict: `It takes {answer}.`,
    };
  },

  function twoWorkersTogether(r) {
    const [a, b] = people(r, 2);
    const [what, verb] = r.pick<[string, string]>([
      ['envelope', 'fold'],
      ['apple', 'pick'],
      ['window', 'clean'],
      ['poster', 'print'],
      ['seedling', 'plant'],
      ['brick', 'lay'],
    ]);
    const [fast, slow] = [r.int(12, 30), r.int(6, 18)];
    const hours = r.int(3, 9);
    return {
      given: { fast: [fast, what], slow: [slow, what], all: [hours * (fast + slow), what] },
      scene: [
        `A big order has just come in.`,
        `${a.name} and ${b.name} often work side by side.`,
        `The job has to be finished before the weekend.`,
      ],
      tellings: [
        `${a.name} can ${verb} {fast} an hour, and ${b.name} can ${verb} {slow} an hour. Together they have to ${verb} {all}.`,
        `There are {all} to ${verb}. In one hour ${a.name} manages {fast#} of them, while ${b.name} manages {slow#}. They work at the same time.`,
      ],
      asks: [
        'How many hours will the two of them need?',
        'How long does the work take if they do it together?',
      ],
      goal: 'the time they need together',
      steps: [
        [
          'rate',
          'fast + slow',
          what,
          'In one hour they get through {=} together',
          'Their combined hourly output is {=}',
        ],
        [
          'hours',
          'all / rate',
          'hour',
          'The whole job takes {=}',
          'Dividing the work by the hourly output gives {=}',
        ],
      ],
      verdict: 'They need {answer} together.',
    };
  },

  function defectiveParts(r) {
    const part = r.pick(['light bulb', 'gear', 'bottle', 'circuit board', 'tile', 'battery']);
    return {
      given: {
        rate: [5 * r.int(8, 40), part],
        hours: [r.pick([4, 5, 6, 8, 10]), 'hour'],
        bad: [r.pick([2, 4, 5, 10]), '%'],
      },
      scene: [
        `The factory near ${r.pick(TOWNS)} runs day and night.`,
        `An inspector checks every item at the end of the line.`,
        `A new machine was installed last month.`,
      ],
      tellings: [
        `A machine makes {rate} an hour and runs for {hours}. Tests show that {bad} of the ${plural(part)} are faulty.`,
        `During a shift of {hours}, a machine turns out {rate} every hour. Quality control rejects {bad} of them.`,
      ],
      asks: [
        `How many good ${plural(part)} does the machine make in that time?`,
        `How many ${plural(part)} pass the test?`,
      ],
      goal: `the number of good ${plural(part)}`,
      steps: [
        ['made', 'rate * hours', part, `The machine makes {=}`, 'The output of the whole shift is {=}'],
        [
          'faulty',
          'made * bad',
          part,
          'Of these, {bad} are faulty, which is {=}',
          'The number of faulty ones is {=}',
        ],
        ['good', 'made - faulty', part, 'That leaves {=} that are good', 'The good ones number {=}'],
      ],
      verdict: `The machine makes {answer} that pass the test.`,
    };
  },

  function deliveryRounds(r) {
    const who = person(r);
    const cargo = r.pick(['parcel', 'crate', 'sack of flour', 'newspaper bundle', 'box of books']);
    return {
      given: {
        trips: [r.int(3, 9), 'trip'],
        load: [r.int(12, 40), cargo],
        last: [r.int(3, 11), cargo],
        days: [r.int(2, 6), 'day'],
      },
      scene: [
        `${who.name} drives a delivery van.`,
        `The depot in ${r.pick(TOWNS)} never sleeps.`,
        `The roads are empty in the early morning.`,
      ],
      tellings: [
        `Each day ${who.name} makes {trips} with {load} each and one final trip with only {last}. ${who.He} keeps this up for {days}.`,
        `${who.name}'s daily schedule has {trips} carrying {load} apiece, and then a short trip carrying {last}. The schedule is the same on all {days}.`,
      ],
      asks: [
        `How many ${plural(cargo)} does ${who.name} deliver in all?`,
        `What is the total number of ${plural(cargo)} delivered?`,
      ],
      goal: `the number of ${plural(cargo)} delivered`,
      steps: [
        [
          'full',
          'trips * load',
          cargo,
          'The full trips carry {=}',
          `On the full trips ${who.he} delivers {=}`,
        ],
        [
          'daily',
          'full + last',
          cargo,
          'With the final trip, one day makes {=}',
          'Adding the short trip gives {=} a day',
        ],
        ['all', 'daily * days', cargo, 'Over {days} the total is {=}', `In all ${who.he} delivers {=}`],
      ],
      verdict: `${who.name} delivers {answer}.`,
    };
  },

  function harvestBaskets(r) {
    const [a, b] = people(r, 2);
    const fruit = thing(r, 'produce');
    const size = r.int(6, 15);
    const baskets = r.int(5, 14);
    const first = r.int(20, size * baskets - 15);
    return {
      given: {
        first: [first, fruit],
        more: [size * baskets - first, fruit],
        size: [size, fruit],
        price: [r.int(4, 12), '$'],
      },
      scene: [
        `The orchard looks its best in early autumn.`,
        `${a.name} and ${b.name} help their grandparents on the farm.`,
        `The weather has been kind to the farmers this year.`,
      ],
      tellings: [
        `${a.name} picks {first} and ${b.name} picks {more}. They pack them in baskets of {size#} and sell each basket for {price}.`,
        `After a long morning, ${a.name} has {first} and ${b.name} has {more}. All of the fruit goes into baskets that hold {size} each, and a basket sells for {price}.`,
      ],
      asks: ['How much money do they get for the baskets?', 'How many dollars do they earn?'],
      goal: 'the money they earn',
      steps: [
        ['all', 'first + more', fruit, 'Together they have {=}', 'The harvest comes to {=}'],
        ['baskets', 'all / size', 'basket', 'That fills {=}', 'They can pack {=}'],
        ['money', 'baskets * price', '$', 'The baskets sell for {=}', 'Selling them all brings in {=}'],
      ],
      verdict: 'They earn {answer}.',
    };
  },

  function commission(r) {
    const who = person(r);
    const item = r.pick(['sofa', 'vacuum cleaner', 'laptop', 'lawn mower', 'mattress', 'violin']);
    return {
      given: {
        base: [50 * r.int(4, 14), '$'],
        n: [r.int(3, 12), item],
        price: [50 * r.int(4, 16), '$'],
        rate: [r.pick([4, 5, 10, 12]), '%'],
      },
      scene: [
        `${who.name} is the best salesperson in the store.`,
        `The store pays its staff a base salary and a commission.`,
        `The month before the holidays is always a good one for sales.`,
      ],
      tellings: [
        `${who.name} gets a base salary of {base} and a commission of {rate} on everything ${who.he} sells. This month ${who.he} sold {n} at {price} each.`,
        `This month ${who.name} sold {n}, each priced at {price}. ${who.He} receives {rate} of the sales as commission, on top of a salary of {base}.`,
      ],
      asks: [`How much does ${who.name} earn this month?`, `What is ${who.name}'s income for the month?`],
      goal: `${who.name}'s income for the month`,
      steps: [
        ['sales', 'n * price', '$', 'The sales amount to {=}', `${who.name} sold goods worth {=}`],
        ['commission', 'sales * rate', '$', 'The commission on them is {=}', 'A share of {rate} is {=}'],
        [
          'income',
          'base + commission',
          '$',
          'With the salary, the income is {=}',
          'Adding the base salary gives {=}',
        ],
      ],
      verdict: `${who.name} earns {answer} this month.`,
    };
  },

  function typingTask(r) {
    const who = person(r);
    const speed = 5 * r.int(6, 14);
    const minutes = r.int(8, 40);
    const written = 10 * r.int(10, 60);
    return {
      given: {
        total: [written + speed * minutes, 'word'],
        written: [written, 'word'],
        speed: [speed, 'word'],
        rest: [r.int(3, 12), 'minute'],
      },
      scene: [
        `${who.name} has a deadline this afternoon.`,
        `The report is due before the office closes.`,
        `${who.name} prefers to write with music playing in the background.`,
      ],
      tellings: [
        `${who.name} must write a report of {total} and has already typed {written}. ${who.He} types {speed} a minute and plans to take a break of {rest} along the way.`,
        `A report should have {total}. So far ${who.name} has typed {written}. Typing at {speed} a minute, ${who.he} will finish the rest, but ${who.he} will also pause for {rest}.`,
      ],
      asks: [
        'How many minutes will it take until the report is finished?',
        `How many minutes from now will ${who.name} be done?`,
      ],
      goal: 'the time until the report is finished',
      steps: [
        [
          'missing',
          'total - written',
          'word',
          `${who.name} still has to type {=}`,
          'The missing part is {=}',
        ],
        [
          'typing',
          'missing / speed',
          'minute',
          'Typing this takes {=}',
          `At ${who.his} speed that is {=} of typing`,
        ],
        ['time', 'typing + rest', 'minute', 'With the break it takes {=}', 'Adding the break gives {=}'],
      ],
      verdict: `The report will be finished after {answer}.`,
    };
  },
];
