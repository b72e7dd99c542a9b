// Word problems around house and garden: recipes, water, areas, pets, plants, energy.
import { article, capitalized, plural } from '../english.ts';
import { person, TOWNS } from '../people.ts';
import type { StoryFamily } from '../storyProblem.ts';
import { thing } from '../things.ts';

export const home: StoryFamily[] = [
  function recipeForMore(r) {
    const who = person(r);
    const dish = r.pick([
      'vegetable soup',
      'pancakes',
      'lentil curry',
      'apple crumble',
      'rice pudding',
      'chili',
      'potato salad',
    ]);
    const base = r.int(2, 6);
    const factor = r.int(2, 6);
    const item = r.pick([
      'cup of flour',
      'cup of broth',
      'spoonful of sugar',
      'potato',
      'egg',
      'tomato',
      'gram of salt',
    ]);
    const have = r.int(2, 4);
    return {
      given: {
        need: [r.int(3, 8), item],
        base: [base, 'person'],
        guests: [base * factor, 'person'],
        have: [have, item],
      },
      scene: [
        `${who.name} found the recipe in an old cookbook.`,
        `The whole family is coming to dinner on Sunday.`,
        `${who.name} volunteered to cook for the street festival.`,
      ],
      tellings: [
        `A recipe for ${dish} that serves {base} calls for {need}. ${who.name} wants to cook for {guests} and already has {have}.`,
        `To make ${dish} for {base}, one needs {need}. ${who.name} expects {guests} for dinner. The kitchen already holds {have}.`,
      ],
      asks: [
        `How many more ${plural(item)} does ${who.name} need?`,
        `How many ${plural(item)} must ${who.he} still get?`,
      ],
      goal: `the number of ${plural(item)} still missing`,
      steps: [
        [
          'times',
          'guests / base',
          '',
          'The recipe has to be made {=} times',
          'The number of people grows by a factor of {=}',
        ],
        ['all', 'times * need', item, 'In total this takes {=}', `So ${who.name} needs {=} altogether`],
        ['more', 'all - have', item, 'Still missing are {=}', `Subtracting what ${who.he} has gives {=}`],
      ],
      verdict: `${who.name} needs another {answer}.`,
    };
  },

  function rectangleFence(r) {
    const who = person(r);
    const plot = r.pick(['vegetable garden', 'chicken yard', 'playground', 'flower bed', 'dog run']);
    return {
      given: {
        l: [r.int(8, 30), 'meter'],
        w: [r.int(4, 18), 'meter'],
        gate: [r.int(1, 3), 'meter'],
        price: [r.int(6, 20), '$'],
      },
      scene: [
        `Rabbits have been eating everything that grows.`,
        `${who.name} has just moved to a house in ${r.pick(TOWNS)}.`,
        `${who.name} sketches a plan on squared paper.`,
      ],
      tellings: [
        `${who.name} builds a fence around a rectangular ${plot} that is {l} long and {w} wide. A gap of {gate} is left for a gate, and a meter of fence costs {price}.`,
        `A rectangular ${plot} measures {l} by {w}. ${who.name} fences it on all sides except for a gate opening of {gate}. Fencing costs {price} a meter.`,
      ],
      asks: ['How much does the fence cost?', `What does ${who.name} pay for the fence?`],
      goal: 'the cost of the fence',
      steps: [
        ['half', 'l + w', 'meter', 'Length and width together are {=}', 'Half the perimeter is {=}'],
        ['around', '2 * half', 'meter', 'The perimeter is {=}', 'All the way around it is {=}'],
        [
          'fence',
          'around - gate',
          'meter',
          'Without the gate, the fence is {=} long',
          'Taking off the opening leaves {=}',
        ],
        ['cost', 'fence * price', '$', 'The fence costs {=}', 'At {price} a meter that makes {=}'],
      ],
      verdict: 'The fence costs {answer}.',
    };
  },

  function floorTiles(r) {
    const who = person(r);
    const room = r.pick(['kitchen', 'bathroom', 'hallway', 'workshop', 'laundry room', 'porch']);
    return {
      given: {
        l: [r.int(5, 16), 'foot'],
        w: [r.int(4, 12), 'foot'],
        price: [r.int(3, 12), '$'],
        labor: [10 * r.int(8, 30), '$'],
      },
      scene: [
        `The old floor of the ${room} is worn out.`,
        `${who.name} asked a local company for an estimate.`,
        `${who.name} is renovating the house one room at a time.`,
      ],
      tellings: [
        `The floor of ${who.name}'s ${room} is a rectangle {l} long and {w} wide. New tiles cost {price} a square foot, and laying them costs {labor}.`,
        `${who.name} wants new tiles in the ${room}, which measures {l} by {w}. The price is {price} for each square foot of tiles, plus {labor} for the work.`,
      ],
      asks: ['What is the total cost of the new floor?', `How much will ${who.name} pay altogether?`],
      goal: 'the cost of the new floor',
      steps: [
        ['area', 'l * w', 'square foot', 'The area of the floor is {=}', `The ${room} has an area of {=}`],
        ['tiles', 'area * price', '$', 'The tiles cost {=}', 'For the tiles alone the price is {=}'],
        ['all', 'tiles + labor', '$', 'With the work, the total is {=}', 'Adding the labor gives {=}'],
      ],
      verdict: 'The new floor costs {answer}.',
    };
  },

  function fillingATank(r) {
    const what = r.pick([
      'fish tank',
      'rain barrel',
      'swimming pool',
      'bathtub',
      'water trough',
      'fountain basin',
    ]);
    const [tap, leak] = [r.int(9, 25), r.int(2, 6)];
    const minutes = r.int(8, 30);
    const start = 5 * r.int(2, 12);
    const who = person(r);
    return {
      given: {
        full: [start + minutes * (tap - leak), 'liter'],
        start: [start, 'liter'],
        tap: [tap, 'liter'],
        leak: [leak, 'liter'],
      },
      scene: [
        `The summer has been unusually dry.`,
        `${who.name} turns on the tap and waits.`,
        `A small crack has appeared near the bottom.`,
      ],
      tellings: [
        `A ${what} holds {full} and already contains {start}. The tap adds {tap} a minute, but {leak} a minute leak out.`,
        `${who.name} is filling a ${what} with a capacity of {full}. There are {start} in it at first. Every minute {tap} flow in and {leak} are lost through a leak.`,
      ],
      asks: [
        'How many minutes does it take until it is full?',
        `After how many minutes is the ${what} full?`,
      ],
      goal: 'the time until it is full',
      steps: [
        [
          'missing',
          'full - start',
          'liter',
          'The amount still missing is {=}',
          'There is room for another {=}',
        ],
        [
          'net',
          'tap - leak',
          'liter',
          'Each minute the water increases by {=}',
          'The net gain a minute is {=}',
        ],
        ['time', 'missing / net', 'minute', 'Filling it takes {=}', 'Dividing the two gives {=}'],
      ],
      verdict: `It takes {answer} to fill the ${what}.`,
    };
  },

  function petFood(r) {
    const who = person(r);
    const pet = r.pick(['dog', 'cat', 'rabbit', 'parrot', 'guinea pig', 'hamster']);
    const [n, daily] = [r.int(2, 6), r.int(2, 5) * 50];
    return {
      given: {
        n: [n, pet],
        daily: [daily, 'gram'],
        days: [r.pick([7, 10, 14, 20, 30]), 'day'],
        bag: [n * daily, 'gram'],
      },
      scene: [
        `${who.name} runs a small shelter in ${r.pick(TOWNS)}.`,
        `A neighbor asked ${who.name} to look after some animals.`,
        `Hungry animals wake ${who.name} every morning.`,
      ],
      tellings: [
        `${who.name} takes care of {n}. Each ${pet} eats {daily} of food a day, and a bag contains {bag}. The food has to last for {days}.`,
        `Each ${pet} gets {daily} of food every day. ${who.name} has {n} to feed for {days}, and buys food in bags of {bag}.`,
      ],
      asks: [`How many bags does ${who.name} need?`, 'How many bags of food are required?'],
      goal: 'the number of bags',
      steps: [
        ['day', 'n * daily', 'gram', 'Together the animals eat {=} a day', 'One day takes {=}'],
        ['all', 'day * days', 'gram', 'For the whole time that is {=}', 'Over {days} they eat {=}'],
        ['bags', 'all / bag', 'bag', 'This fills {=}', 'Dividing by the size of a bag gives {=}'],
      ],
      verdict: `${who.name} needs {answer}.`,
    };
  },

  function gardenRows(r) {
    const who = person(r);
    const plant = thing(r, 'plants');
    return {
      given: {
        rows: [r.int(4, 14), 'row'],
        per: [r.int(6, 20), plant],
        dead: [r.int(3, 18), plant],
        cost: [r.int(2, 6), '$'],
      },
      scene: [
        `${who.name} spends every free hour in the garden.`,
        `Spring came late this year.`,
        `The soil has been prepared with compost.`,
      ],
      tellings: [
        `${who.name} plants {rows} with {per} in each. A late frost kills {dead#} of them. Each surviving ${plant} is later sold for {cost}.`,
        `In ${who.name}'s nursery there are {rows}, each with {per}. After {dead#} of the plants die in a cold night, the others are sold at {cost} apiece.`,
      ],
      asks: [
        'How much money do the remaining plants bring in?',
        `How many dollars does ${who.name} get for them?`,
      ],
      goal: 'the money for the surviving plants',
      steps: [
        ['all', 'rows * per', plant, `At first there are {=}`, `${who.name} plants {=}`],
        ['alive', 'all - dead', plant, 'The frost leaves {=}', 'The survivors number {=}'],
        ['money', 'alive * cost', '$', 'They sell for {=}', 'The sale brings in {=}'],
      ],
      verdict: `${who.name} gets {answer}.`,
    };
  },

  function electricity(r) {
    const device = r.pick([
      'heater',
      'freezer',
      'air conditioner',
      'projector',
      'water pump',
      'electric oven',
    ]);
    const who = person(r);
    return {
      given: {
        power: [r.pick([1, 2, 3, 4]), 'kilowatt-hour'],
        hours: [r.int(2, 9), 'hour'],
        days: [r.pick([10, 20, 30]), 'day'],
        price: [r.pick([0.2, 0.25, 0.3, 0.4, 0.5]), '$'],
      },
      scene: [
        `The electricity bill has just arrived.`,
        `${who.name} wants to use less energy.`,
        `${who.name} reads the meter on the first day of every month.`,
      ],
      tellings: [
        `${capitalized(article(device))} uses {power} of energy for each hour it runs. ${who.name} runs it {hours} a day for {days}. One kilowatt-hour costs {price}.`,
        `For {days}, ${who.name} lets ${article(device)} run {hours} a day. Every hour it uses {power}, and the price of a kilowatt-hour is {price}.`,
      ],
      asks: [
        'What does the electricity cost for this time?',
        `How much does ${who.name} pay for the energy it uses?`,
      ],
      goal: 'the cost of the electricity',
      steps: [
        ['daily', 'power * hours', 'kilowatt-hour', 'In one day it uses {=}', 'The daily use is {=}'],
        [
          'all',
          'daily * days',
          'kilowatt-hour',
          'Over the whole time that is {=}',
          'For {days}, this makes {=}',
        ],
        ['cost', 'all * price', '$', 'The cost is {=}', 'At {price} each, that costs {=}'],
      ],
      verdict: `The electricity costs {answer}.`,
    };
  },

  function plantGrowth(r) {
    const who = person(r);
    const plant = r.pick(['bamboo', 'sunflower', 'bean plant', 'corn stalk', 'climbing rose', 'hop vine']);
    const [slow, fast] = [r.int(2, 5), r.int(6, 12)];
    return {
      given: {
        start: [r.int(4, 30), 'centimeter'],
        slow: [slow, 'centimeter'],
        a: [r.int(3, 9), 'day'],
        fast: [fast, 'centimeter'],
        b: [r.int(2, 10), 'day'],
      },
      scene: [
        `${who.name} measures the plant every morning.`,
        `The greenhouse is warm and bright.`,
        `For a science project, ${who.name} records how plants grow.`,
      ],
      tellings: [
        `A ${plant} is {start} tall. It grows {slow} a day for {a}, and after some rain {fast} a day for {b}.`,
        `At the start, ${who.name}'s ${plant} measures {start}. During the first {a} it grows {slow} a day, and during the following {b} it grows {fast} a day.`,
      ],
      asks: ['How tall is it then, in centimeters?', `What is the height of the ${plant} at the end?`],
      goal: `the final height of the ${plant}`,
      steps: [
        ['first', 'slow * a', 'centimeter', 'In the first days it grows {=}', 'The slow phase adds {=}'],
        ['second', 'fast * b', 'centimeter', 'After that it grows {=}', 'The fast phase adds {=}'],
        [
          'mid',
          'start + first',
          'centimeter',
          'After the slow phase the height is {=}',
          'So it first reaches {=}',
        ],
        ['end', 'mid + second', 'centimeter', 'At the end it measures {=}', 'The final height is {=}'],
      ],
      verdict: `The ${plant} is then {answer} tall.`,
    };
  },

  function screenTime(r) {
    const who = person(r);
    return {
      given: {
        week: [15 * r.int(2, 8), 'minute'],
        weekend: [30 * r.int(3, 8), 'minute'],
        cut: [5 * r.int(4, 20), 'minute'],
      },
      scene: [
        `${who.name}'s parents worry about screen time.`,
        `A new app shows how long the phone has been in use.`,
        `${who.name} would like to sleep better.`,
      ],
      tellings: [
        `${who.name} spends {week} in front of a screen on each of the 5 school days and {weekend} on each of the 2 days of the weekend. Next week ${who.he} wants to cut the total by {cut}.`,
        `On a school day, ${who.name}'s screen time is {week}, and on a Saturday or Sunday it is {weekend}. The plan is to use the screen {cut} less next week, which has 5 school days.`,
      ],
      asks: [
        'How many minutes of screen time will that be next week?',
        `How many minutes does ${who.name} plan for the whole of next week?`,
      ],
      goal: "next week's screen time",
      steps: [
        ['school', '5 * week', 'minute', 'The school days make {=}', 'From Monday to Friday it is {=}'],
        ['free', '2 * weekend', 'minute', 'The weekend makes {=}', 'Saturday and Sunday add {=}'],
        ['all', 'school + free', 'minute', 'A normal week has {=}', 'Together that is {=}'],
        ['next', 'all - cut', 'minute', 'Next week it will be {=}', 'With the cut, {=} remain'],
      ],
      verdict: `${who.name} plans {answer} for next week.`,
    };
  },
];
