// Word problems about travel: distance, speed, time, fuel, passengers.
import { person, people, TOWNS } from '../people.ts';
import type { StoryFamily } from '../storyProblem.ts';

export const travel: StoryFamily[] = [
  function twoLegs(r) {
    const who = person(r);
    const [from, to] = r.sample(TOWNS, 2);
    const vehicle = r.pick(['car', 'van', 'motorcycle', 'bus', 'train']);
    return {
      given: {
        v: [5 * r.int(7, 14), 'mile'],
        t: [r.int(2, 5), 'hour'],
        w: [5 * r.int(5, 12), 'mile'],
        u: [r.int(1, 4), 'hour'],
      },
      scene: [
        `${who.name} sets off from ${from} before breakfast.`,
        `The road to ${to} winds through the hills.`,
        `The weather forecast promises a dry day.`,
      ],
      tellings: [
        `${who.name} travels by ${vehicle} from ${from} to ${to}. For the first {t} the ${vehicle} covers {v} an hour, and for the remaining {u} it covers {w} an hour.`,
        `On the way from ${from} to ${to}, the ${vehicle} goes at {v} per hour for {t}. Then it slows to {w} per hour, and the last part takes {u}.`,
      ],
      asks: [
        'How long is the whole trip in miles?',
        `How many miles apart are ${from} and ${to} along this route?`,
      ],
      goal: 'the length of the trip',
      steps: [
        [
          'first',
          'v * t',
          'mile',
          'The first part is {=} long',
          'During the fast part, the distance covered is {=}',
        ],
        ['second', 'w * u', 'mile', 'The second part is {=} long', 'The slower part covers {=}'],
        ['all', 'first + second', 'mile', 'The whole trip is {=}', 'Both parts together make {=}'],
      ],
      verdict: 'The trip is {answer} long.',
    };
  },

  function fuelCost(r) {
    const who = person(r);
    const mileage = r.int(20, 45);
    return {
      given: {
        distance: [mileage * r.int(4, 16), 'mile'],
        mileage: [mileage, 'mile'],
        price: [r.int(2, 5), '$'],
        toll: [r.int(4, 18), '$'],
      },
      scene: [
        `${who.name} is planning a visit to ${who.his} cousins.`,
        `Before any long drive, ${who.name} works out the cost.`,
        `${who.name} packed the car the night before.`,
      ],
      tellings: [
        `${who.name} has to drive {distance}. The car goes {mileage} on one gallon of gas, and a gallon costs {price}. There are also tolls of {toll}.`,
        `A trip of {distance} lies ahead. ${who.name}'s car uses one gallon of gas for every {mileage}. Gas costs {price} a gallon, and the toll roads add {toll}.`,
      ],
      asks: ['What does the trip cost?', `How much does ${who.name} spend on gas and tolls?`],
      goal: 'the cost of the trip',
      steps: [
        ['gas', 'distance / mileage', 'gallon', 'The car needs {=} of gas', 'The trip takes {=}'],
        ['fuel', 'gas * price', '$', 'The gas costs {=}', `For the gas ${who.name} pays {=}`],
        ['all', 'fuel + toll', '$', 'With the tolls, the cost is {=}', 'Adding the tolls gives {=}'],
      ],
      verdict: 'The trip costs {answer}.',
    };
  },

  function averageSpeed(r) {
    const who = person(r);
    const [t, u] = [r.int(1, 4), r.int(2, 5)];
    const average = r.int(9, 16);
    const first = average * t + r.int(-4, 4);
    return {
      given: {
        first: [first, 'kilometer'],
        t: [t, 'hour'],
        second: [average * (t + u) - first, 'kilometer'],
        u: [u, 'hour'],
      },
      scene: [
        `${who.name} loves long bicycle tours.`,
        `The cycle path follows the old railway line.`,
        `A strong wind was blowing from the west.`,
      ],
      tellings: [
        `On a bicycle tour, ${who.name} rides {first} in the first {t} and, after a lunch break, {second} in {u}.`,
        `${who.name} spends {t} cycling {first} in the morning. In the afternoon ${who.he} cycles {second}, which takes {u}.`,
      ],
      asks: [
        `What is ${who.name}'s average speed while riding, in kilometers per hour?`,
        `How many kilometers per hour did ${who.name} ride on average, without counting the break?`,
      ],
      goal: 'the average speed',
      steps: [
        [
          'distance',
          'first + second',
          'kilometer',
          'The total distance is {=}',
          `${who.name} rides {=} in all`,
        ],
        ['time', 't + u', 'hour', 'The riding time is {=}', 'This takes {=}'],
        [
          'speed',
          'distance / time',
          '',
          'The average speed is {=} kilometers per hour',
          'Distance divided by time is {=} kilometers per hour',
        ],
      ],
      verdict: 'The average speed is {answer} kilometers per hour.',
    };
  },

  function passengers(r) {
    const vehicle = r.pick(['bus', 'tram', 'ferry', 'train', 'subway car']);
    const start = r.int(18, 60);
    const off = r.int(4, 15);
    return {
      given: {
        start: [start, 'passenger'],
        off: [off, 'passenger'],
        on: [r.int(3, 20), 'passenger'],
        off2: [r.int(2, start - off - 1), 'passenger'],
      },
      scene: [
        `It is the morning rush hour in ${r.pick(TOWNS)}.`,
        `The ${vehicle} is the first of the day.`,
        `The driver counts the passengers at every stop.`,
      ],
      tellings: [
        `A ${vehicle} leaves with {start}. At the first stop, {off#} get off and {on#} get on. At the next stop, {off2#} get off.`,
        `There are {start} on a ${vehicle}. When it stops, {off#} of them leave and {on#} new ones board. One stop later, another {off2#} leave.`,
      ],
      asks: [
        `How many passengers are on the ${vehicle} now?`,
        'How many passengers remain after the second stop?',
      ],
      goal: `the number of passengers on the ${vehicle}`,
      steps: [
        [
          'a',
          'start - off',
          'passenger',
          'After some leave at the first stop, there are {=}',
          'The first stop reduces the number to {=}',
        ],
        [
          'b',
          'a + on',
          'passenger',
          'With the new ones there are {=}',
          'The people who board bring it to {=}',
        ],
        ['c', 'b - off2', 'passenger', 'After the second stop, {=} remain', 'At the end there are {=}'],
      ],
      verdict: `There are {answer} on the ${vehicle}.`,
    };
  },

  function meetingPoint(r) {
    const [a, b] = people(r, 2);
    const [from, to] = r.sample(TOWNS, 2);
    const [v, w] = [r.int(8, 18), r.int(9, 20)];
    return {
      given: { gap: [(v + w) * r.int(2, 5), 'mile'], v: [v, 'mile'], w: [w, 'mile'] },
      scene: [
        `${a.name} lives in ${from}, and ${b.name} lives in ${to}.`,
        `Two friends want to meet for a picnic somewhere between their homes.`,
        `The road between the towns is flat and quiet.`,
      ],
      tellings: [
        `The distance from ${from} to ${to} is {gap}. ${a.name} starts cycling from ${from} at {v} per hour, and at the same moment ${b.name} starts from ${to} toward ${a.name} at {w} per hour.`,
        `${a.name} and ${b.name} are {gap} apart and set out toward each other at the same time. ${a.name} covers {v} an hour and ${b.name} covers {w} an hour.`,
      ],
      asks: ['After how many hours do they meet?', 'How many hours pass before they meet?'],
      goal: 'the time until they meet',
      steps: [
        [
          'closing',
          'v + w',
          'mile',
          'Every hour the gap between them shrinks by {=}',
          'Together they cover {=} an hour',
        ],
        ['time', 'gap / closing', 'hour', 'So they meet after {=}', 'The gap is closed after {=}'],
      ],
      verdict: 'They meet after {answer}.',
    };
  },

  function mountainHike(r) {
    const who = person(r);
    const [up, down] = [r.int(200, 450), r.int(300, 700)];
    const hours = r.int(2, 4);
    return {
      given: {
        up: [up, 'meter'],
        hours: [hours, 'hour'],
        down: [down, 'meter'],
        start: [10 * r.int(20, 90), 'meter'],
      },
      scene: [
        `The trail begins behind the old chapel.`,
        `${who.name} checks the map one more time.`,
        `A light mist still hangs over the valley.`,
      ],
      tellings: [
        `${who.name} starts a hike at an altitude of {start}. ${who.He} climbs {up} an hour for {hours} and then walks down {down} to a mountain hut.`,
        `A hut lies on the far side of a pass. Starting from {start} above sea level, ${who.name} gains {up} of altitude every hour for {hours}, and afterwards descends {down}.`,
      ],
      asks: ['At what altitude is the hut, in meters?', 'How many meters above sea level is the hut?'],
      goal: 'the altitude of the hut',
      steps: [
        ['climb', 'up * hours', 'meter', `${who.name} climbs {=}`, 'The climb gains {=}'],
        ['top', 'start + climb', 'meter', 'The highest point is at {=}', `That takes ${who.him} to {=}`],
        ['hut', 'top - down', 'meter', 'The hut is at {=}', 'Going down again leads to {=}'],
      ],
      verdict: 'The hut lies {answer} above sea level.',
    };
  },

  function trainingWeek(r) {
    const who = person(r);
    const sport = r.pick(['runs', 'rows', 'swims', 'cycles', 'walks']);
    return {
      given: {
        short: [r.int(2, 9), 'kilometer'],
        days: [r.int(3, 5), 'day'],
        long: [r.int(10, 25), 'kilometer'],
        weeks: [r.int(3, 12), 'week'],
      },
      scene: [
        `${who.name} is training for a competition in ${r.pick(TOWNS)}.`,
        `A coach drew up a simple plan for ${who.name}.`,
        `${who.name} notes every workout in a diary.`,
      ],
      tellings: [
        `Every week, ${who.name} ${sport} {short} on each of {days} and {long} on Sunday. ${who.He} follows this plan for {weeks}.`,
        `The training plan lasts {weeks}. In each week, ${who.name} ${sport} {short} a day on {days}, and on Sunday ${who.he} does {long}.`,
      ],
      asks: [
        'How many kilometers is that over the whole plan?',
        `What distance does ${who.name} cover in total?`,
      ],
      goal: 'the total distance',
      steps: [
        [
          'weekdays',
          'short * days',
          'kilometer',
          'The shorter sessions add up to {=} a week',
          'On the {days}, the distance is {=}',
        ],
        ['week', 'weekdays + long', 'kilometer', 'With Sunday, a week has {=}', 'One week makes {=}'],
        ['all', 'week * weeks', 'kilometer', 'Over {weeks} that is {=}', 'The whole plan comes to {=}'],
      ],
      verdict: `${who.name} covers {answer} in total.`,
    };
  },

  function timeForErrands(r) {
    const who = person(r);
    const [a, b] = r.sample(
      ['the post office', 'the dentist', 'the bakery', 'the bank', 'the library', 'the hairdresser'],
      2,
    );
    return {
      given: {
        walk: [r.int(5, 18), 'minute'],
        stay: [r.int(10, 45), 'minute'],
        stay2: [r.int(8, 40), 'minute'],
        limit: [r.int(150, 200), 'minute'],
      },
      scene: [
        `${who.name} has the afternoon off.`,
        `There is just enough time before the school bus arrives.`,
        `${who.name} ties ${who.his} shoelaces and locks the door.`,
      ],
      tellings: [
        `${who.name} has {limit} for errands. Each of the three walks, from home to ${a}, on to ${b}, and back home, takes {walk}. ${who.He} spends {stay} at ${a} and {stay2} at ${b}.`,
        `There are three walks of {walk} each: to ${a}, then to ${b}, then home. The stop at ${a} lasts {stay} and the one at ${b} lasts {stay2}. ${who.name} has {limit} in all.`,
      ],
      asks: [`How many minutes does ${who.name} have to spare?`, 'How many minutes are left over?'],
      goal: 'the minutes left over',
      steps: [
        ['walks', '3 * walk', 'minute', 'The walks take {=}', 'Walking three times takes {=}'],
        [
          'stops',
          'stay + stay2',
          'minute',
          'The two stops take {=}',
          `${who.name} spends {=} at the two places`,
        ],
        ['used', 'walks + stops', 'minute', 'Together that is {=}', 'The errands take {=}'],
        [
          'spare',
          'limit - used',
          'minute',
          'The time left is {=}',
          'Subtracting this from the time available gives {=}',
        ],
      ],
      verdict: `${who.name} has {answer} to spare.`,
    };
  },

  function catchingUp(r) {
    const [a, b] = people(r, 2);
    const slow = 5 * r.int(6, 11);
    return {
      given: {
        slow: [slow, 'mile'],
        head: [r.int(1, 3), 'hour'],
        fast: [slow + r.pick([5, 10, 15, 20]), 'mile'],
      },
      scene: [
        `${a.name} and ${b.name} are driving to the same campsite.`,
        `Two trucks leave the same depot and take the same road.`,
        `${b.name} overslept this morning.`,
      ],
      tellings: [
        `${a.name} drives at {slow} an hour and leaves {head} before ${b.name}. ${b.name} follows on the same road at {fast} an hour.`,
        `At {slow} an hour, ${a.name} has a head start of {head}. Then ${b.name} starts from the same place, driving {fast} an hour in the same direction.`,
      ],
      asks: [
        `How many hours does ${b.name} need to catch up?`,
        `After how many hours of driving does ${b.name} reach ${a.name}?`,
      ],
      goal: `the time until ${b.name} catches up`,
      steps: [
        [
          'lead',
          'slow * head',
          'mile',
          `When ${b.name} starts, ${a.name} is {=} ahead`,
          'The head start is {=}',
        ],
        ['gain', 'fast - slow', 'mile', `Every hour ${b.name} gains {=}`, 'The gap shrinks each hour by {=}'],
        ['time', 'lead / gain', 'hour', 'Closing the gap takes {=}', 'So catching up takes {=}'],
      ],
      verdict: `${b.name} catches up after {answer}.`,
    };
  },
];
