// Word problems about buying and selling: totals, change, discounts, tips, budgets, profit.
import { article, plural } from '../english.ts';
import { people, person, TOWNS } from '../people.ts';
import type { StoryFamily } from '../storyProblem.ts';
import { thing, twoThings } from '../things.ts';

export const shopping: StoryFamily[] = [
  function twoKindsOfItem(r) {
    const who = person(r);
    const [a, b] = twoThings(r, r.pick(['stationery', 'produce', 'groceries', 'clothes'] as const));
    return {
      given: { n: [r.int(2, 9), a], p: [r.int(2, 12), '$'], m: [r.int(2, 8), b], q: [r.int(3, 15), '$'] },
      scene: [
        `${who.name} wrote a shopping list before leaving home.`,
        `The shops in ${r.pick(TOWNS)} open early on Saturdays.`,
        `${who.name} likes to plan ${who.his} purchases carefully.`,
      ],
      tellings: [
        `${who.name} buys {n} for {p} each and {m} for {q} each.`,
        `At the ${thing(r, 'shops')}, one ${a} costs {p} and one ${b} costs {q}. ${who.name} takes {n} and {m} to the counter.`,
        `${who.name} needs {n} and {m}. The price of a single ${a} is {p}, while a single ${b} sells for {q}.`,
      ],
      asks: [
        'How much does the whole purchase cost?',
        `What is the total amount ${who.name} has to pay?`,
        `How many dollars does ${who.name} spend altogether?`,
      ],
      goal: 'the total cost of the purchase',
      steps: [
        [
          'first',
          'n * p',
          '$',
          `The ${plural(a)} cost {=}`,
          `${who.name} pays {=} for the ${plural(a)}`,
          `{n} at {p} each come to {=}`,
        ],
        [
          'second',
          'm * q',
          '$',
          `The ${plural(b)} cost {=}`,
          `The {m} add another {=}`,
          `For the ${plural(b)}, the price is {=}`,
        ],
        [
          'all',
          'first + second',
          '$',
          'Together that makes {=}',
          'Adding the two amounts gives {=}',
          'The total is {=}',
        ],
      ],
      verdict: `${who.name} spends {answer} in total.`,
    };
  },

  function changeFromBill(r) {
    const who = person(r);
    const a = thing(r, r.pick(['treats', 'groceries', 'produce'] as const));
    const n = r.int(3, 8);
    const p = r.int(2, 6);
    const extra = r.int(1, 9);
    const bill = r.pick([20, 50, 100].filter((b) => b > n * p + extra));
    return {
      given: { n: [n, a], p: [p, '$'], drink: [extra, '$'], bill: [bill, '$'] },
      scene: [
        `It is nearly closing time at the ${thing(r, 'shops')}.`,
        `${who.name} is getting ready for a small party.`,
        `Friends are coming over this evening, so ${who.name} goes shopping.`,
      ],
      tellings: [
        `${who.name} buys {n} at {p} each and a drink for {drink}. ${who.He} hands the cashier {bill}.`,
        `A drink costs {drink}, and each ${a} costs {p}. ${who.name} takes one drink and {n}, and pays with {bill}.`,
      ],
      asks: [
        `How much change should ${who.name} get back?`,
        `How many dollars of change does the cashier return?`,
        'What is the change?',
      ],
      goal: `the change that ${who.name} receives`,
      steps: [
        ['food', 'n * p', '$', `The {n} cost {=}`, `${who.name} owes {=} for the ${plural(a)}`],
        [
          'owed',
          'food + drink',
          '$',
          'With the drink, the bill comes to {=}',
          `Adding the drink, ${who.he} must pay {=}`,
        ],
        [
          'change',
          'bill - owed',
          '$',
          'The change is {=}',
          `${who.He} gets back {=}`,
          'Subtracting the bill from what was paid leaves {=}',
        ],
      ],
      verdict: `${who.name} receives {answer} in change.`,
    };
  },

  function discountOnSeveral(r) {
    const who = person(r);
    const a = thing(r, r.pick(['clothes', 'gear', 'toys'] as const));
    return {
      given: {
        n: [r.int(2, 6), a],
        p: [10 * r.int(2, 9), '$'],
        off: [r.pick([10, 15, 20, 25, 30, 40]), '%'],
      },
      scene: [
        `The end-of-season sale begins today.`,
        `A ${thing(r, 'shops')} in ${r.pick(TOWNS)} is clearing its shelves.`,
        `${who.name} has waited weeks for the prices to drop.`,
      ],
      tellings: [
        `${who.name} picks out {n}, each with a regular price of {p}. Today everything is {off} off.`,
        `A shop takes {off} off every purchase. ${who.name} buys {n} that normally cost {p} apiece.`,
      ],
      asks: [
        `How much does ${who.name} pay after the discount?`,
        'What is the final price of the purchase?',
        `How many dollars does ${who.he} pay in the end?`,
      ],
      goal: 'the price after the discount',
      steps: [
        [
          'full',
          'n * p',
          '$',
          'Without the discount the cost would be {=}',
          `At the regular price, the ${plural(a)} cost {=}`,
        ],
        [
          'saved',
          'full * off',
          '$',
          'The discount is {off} of that amount, which is {=}',
          `${who.name} saves {=}`,
        ],
        ['paid', 'full - saved', '$', 'Taking the discount away leaves {=}', 'So the price to pay is {=}'],
      ],
      verdict: `${who.name} pays {answer}.`,
    };
  },

  function packsNeeded(r) {
    const who = person(r);
    const a = thing(r, r.pick(['toys', 'treats', 'stationery'] as const));
    const [each, guestsPerPack] = [r.int(2, 4), r.int(2, 5)];
    return {
      given: {
        guests: [guestsPerPack * r.int(3, 8), 'guest'],
        each: [each, a],
        size: [each * guestsPerPack, a],
        cost: [r.int(3, 11), '$'],
      },
      scene: [
        `${who.name} is preparing party bags.`,
        `A birthday celebration is only two days away.`,
        `The community hall in ${r.pick(TOWNS)} is hosting a big celebration.`,
      ],
      tellings: [
        `${who.name} wants to give {each} to each of {guests}. The ${plural(a)} are sold in packs of {size#}, and one pack costs {cost}.`,
        `There will be {guests} at the celebration, and every one of them should get {each}. A pack holds {size} and costs {cost}.`,
      ],
      asks: [
        `How much does ${who.name} spend on the packs?`,
        'What is the total cost of the packs that are needed?',
      ],
      goal: 'the cost of all the packs',
      steps: [
        ['need', 'guests * each', a, `${who.name} needs {=}`, `The number needed is {=}`],
        ['packs', 'need / size', 'pack', `That requires {=}`, `Dividing by the pack size gives {=}`],
        ['total', 'packs * cost', '$', 'The packs cost {=}', 'At {cost} for each pack, the total is {=}'],
      ],
      verdict: `${who.name} spends {answer} on the packs.`,
    };
  },

  function howManyWithTheRest(r) {
    const who = person(r);
    const [a, b] = [thing(r, 'gear'), thing(r, r.pick(['treats', 'collectibles', 'stationery'] as const))];
    const price = r.int(2, 7);
    const count = r.int(4, 15);
    const gear = r.int(15, 60);
    return {
      given: { money: [gear + price * count, '$'], gear: [gear, '$'], price: [price, '$'] },
      scene: [
        `${who.name} has been saving pocket money since spring.`,
        `${who.name} received some money for ${who.his} birthday.`,
        `Every Friday ${who.name} empties ${who.his} coin jar.`,
      ],
      tellings: [
        `${who.name} has {money}. After buying a ${a} for {gear}, ${who.he} spends all the remaining money on ${plural(b)} that cost {price} each.`,
        `With {money} in ${who.his} wallet, ${who.name} first buys a ${a} priced at {gear}. The rest goes to ${plural(b)} at {price} apiece.`,
      ],
      asks: [`How many ${plural(b)} does ${who.he} get?`, `How many ${plural(b)} can ${who.name} buy?`],
      goal: `the number of ${plural(b)} that ${who.name} can buy`,
      steps: [
        [
          'rest',
          'money - gear',
          '$',
          `After the ${a}, ${who.name} has {=} left`,
          `The money that remains is {=}`,
        ],
        [
          'count',
          'rest / price',
          b,
          `With that ${who.he} can buy {=}`,
          `Dividing by the price of one ${b} gives {=}`,
        ],
      ],
      verdict: `${who.name} buys {answer}.`,
    };
  },

  function mealWithTip(r) {
    const [who, friend] = people(r, 2);
    const dish = r.pick([
      'a bowl of noodles',
      'a mushroom pizza',
      'a plate of curry',
      'a fish sandwich',
      'a vegetable stew',
    ]);
    return {
      given: { mine: [r.int(9, 22), '$'], theirs: [r.int(8, 24), '$'], tip: [r.pick([10, 15, 20]), '%'] },
      scene: [
        `The little restaurant near the station is famous for its soups.`,
        `${who.name} and ${friend.name} have not seen each other for months.`,
        `It is raining, so the two friends decide to eat indoors.`,
      ],
      tellings: [
        `${who.name} orders ${dish} for {mine}, and ${friend.name} has a meal that costs {theirs}. They leave a tip of {tip} of the bill.`,
        `At lunch, ${who.name}'s meal costs {mine} and ${friend.name}'s costs {theirs}. On top of the bill they add a {tip} tip.`,
      ],
      asks: ['How much do they pay altogether?', 'What is the total including the tip?'],
      goal: 'the total with the tip included',
      steps: [
        ['bill', 'mine + theirs', '$', 'The two meals cost {=}', 'Before the tip, the bill is {=}'],
        ['extra', 'bill * tip', '$', 'The tip is {=}', 'A tip of {tip} on that bill is {=}'],
        ['all', 'bill + extra', '$', 'Altogether they pay {=}', 'Adding the tip to the bill gives {=}'],
      ],
      verdict: 'Together they pay {answer}.',
    };
  },

  function profitOnCrafts(r) {
    const who = person(r);
    const a = thing(r, 'crafts');
    const cost = r.int(3, 14);
    return {
      given: {
        n: [r.int(6, 30), a],
        cost: [cost, '$'],
        price: [cost + r.int(4, 16), '$'],
        stall: [r.int(10, 40), '$'],
      },
      scene: [
        `The summer fair in ${r.pick(TOWNS)} attracts visitors from all over the county.`,
        `${who.name} turned a hobby into a small business.`,
        `${who.name} rents a table at the weekend market.`,
      ],
      tellings: [
        `${who.name} makes {n}. The material for one ${a} costs {cost}, and ${who.he} sells each for {price}. The stall costs {stall} for the day, and everything is sold.`,
        `A stall at the fair costs {stall} a day. ${who.name} sells {n} there at {price} each, after spending {cost} on the material for every one of them.`,
      ],
      asks: [
        `What is ${who.name}'s profit for the day?`,
        `How much money does ${who.name} earn once all costs are paid?`,
      ],
      goal: 'the profit for the day',
      steps: [
        [
          'gain',
          'price - cost',
          '$',
          `Each ${a} brings in {=} more than its material costs`,
          `The gain on one ${a} is {=}`,
        ],
        ['gains', 'n * gain', '$', `For all {n} that makes {=}`, 'Over the whole day this adds up to {=}'],
        [
          'profit',
          'gains - stall',
          '$',
          'After paying for the stall, the profit is {=}',
          'Subtracting the price of the stall gives {=}',
        ],
      ],
      verdict: `${who.name} makes a profit of {answer}.`,
    };
  },

  function membershipOrNot(r) {
    const who = person(r);
    const place = r.pick([
      'swimming pool',
      'climbing gym',
      'science museum',
      'skating rink',
      'botanical garden',
    ]);
    const member = r.int(2, 5);
    return {
      given: {
        fee: [r.int(15, 45), '$'],
        member: [member, '$'],
        single: [member + r.int(3, 8), '$'],
        visits: [r.int(12, 30), 'visit'],
      },
      scene: [
        `${who.name} wants to be more active this year.`,
        `A new ${place} has opened in ${r.pick(TOWNS)}.`,
        `${who.name} compares prices before signing up for anything.`,
      ],
      tellings: [
        `A ticket for the ${place} normally costs {single}. Members pay a yearly fee of {fee} and then only {member} for each visit. ${who.name} plans {visits} this year.`,
        `The ${place} charges {single} for a single visit. With a membership of {fee} a year, a visit costs just {member}. ${who.name} expects to make {visits}.`,
      ],
      asks: [
        `How much does the membership save ${who.name} this year?`,
        'How many dollars are saved by becoming a member?',
      ],
      goal: 'the money that the membership saves',
      steps: [
        ['cut', 'single - member', '$', 'A member saves {=} on each visit', 'Each visit is cheaper by {=}'],
        [
          'cuts',
          'visits * cut',
          '$',
          'Over {visits} that is {=}',
          'For the whole year the lower prices save {=}',
        ],
        [
          'saved',
          'cuts - fee',
          '$',
          'Taking off the yearly fee leaves {=}',
          'The fee has to be subtracted, which leaves {=}',
        ],
      ],
      verdict: `The membership saves ${who.name} {answer}.`,
    };
  },

  function splitTheBill(r) {
    const [who, friend, other] = people(r, 3);
    const guests = r.int(3, 6);
    const share = r.int(8, 20);
    const cake = r.int(10, 25);
    const total = guests * share;
    return {
      given: {
        cake: [cake, '$'],
        drinks: [total - cake + 5, '$'],
        coupon: [5, '$'],
        guests: [guests, 'friend'],
      },
      scene: [
        `${who.name} has just passed an important exam.`,
        `The café by the river is a favorite meeting place.`,
        `${who.name}, ${friend.name}, ${other.name}, and some others meet once a month.`,
      ],
      tellings: [
        `A group of {guests} celebrates together. They order a cake for {cake} and other food for {drinks}, use a coupon worth {coupon}, and split the bill equally.`,
        `At a celebration, {guests} share the bill equally. The cake costs {cake}, the rest of the food costs {drinks}, and a coupon takes {coupon} off.`,
      ],
      asks: ['How much does each of them pay?', "What is each friend's share?"],
      goal: 'the share of one friend',
      steps: [
        ['sum', 'cake + drinks', '$', 'The food costs {=}', 'Before the coupon the bill is {=}'],
        ['bill', 'sum - coupon', '$', 'The coupon lowers this to {=}', 'With the coupon they pay {=}'],
        [
          'share',
          'bill / guests',
          '$',
          'Split equally, each friend pays {=}',
          'Dividing by the number of friends gives {=}',
        ],
      ],
      verdict: 'Each friend pays {answer}.',
    };
  },

  function monthlySubscription(r) {
    const who = person(r);
    const service = r.pick([
      'music streaming service',
      'language course',
      'online newspaper',
      'chess club',
      'meal box',
      'cloud storage plan',
    ]);
    return {
      given: {
        setup: [r.int(5, 40), '$'],
        monthly: [r.int(6, 24), '$'],
        months: [r.pick([6, 9, 12, 18, 24]), 'month'],
      },
      scene: [
        `${who.name} keeps a notebook of all ${who.his} regular expenses.`,
        `A friend told ${who.name} about a good offer.`,
        `${who.name} reads the small print before signing the contract.`,
      ],
      tellings: [
        `${who.name} signs up for ${article(service)}. There is a one-time fee of {setup}, and after that the price is {monthly} a month. ${who.He} keeps it for {months}.`,
        `Joining ${article(service)} costs {setup} once, plus {monthly} every month. ${who.name} stays for {months}.`,
      ],
      asks: [`How much does ${who.name} pay in total?`, 'What is the complete cost over this time?'],
      goal: 'the complete cost',
      steps: [
        [
          'regular',
          'months * monthly',
          '$',
          'The monthly payments add up to {=}',
          `Over {months}, ${who.name} pays {=}`,
        ],
        [
          'all',
          'setup + regular',
          '$',
          'Together with the one-time fee that is {=}',
          'Adding the fee at the start gives {=}',
        ],
      ],
      verdict: `${who.name} pays {answer} in total.`,
    };
  },

  function priceOfOne(r) {
    const who = person(r);
    const [a, b] = twoThings(r, 'groceries');
    const n = r.int(3, 8);
    const price = r.int(2, 7);
    const other = r.int(2, 9);
    return {
      given: { paid: [n * price + 2 * other, '$'], n: [n, a], other: [other, '$'] },
      scene: [
        `${who.name} lost the receipt but remembers a few prices.`,
        `The receipt got wet and one of its lines is hard to read.`,
        `${who.name} checks every receipt at the kitchen table.`,
      ],
      tellings: [
        `${who.name} paid {paid} for {n} and two ${plural(b)}. Each ${b} cost {other}.`,
        `Two ${plural(b)} at {other} each and {n} cost {paid} altogether. ${who.name} wants to know the price of a single ${a}.`,
      ],
      asks: [`What did one ${a} cost?`, `How much did ${who.name} pay for each ${a}?`],
      goal: `the price of one ${a}`,
      steps: [
        [
          'two',
          '2 * other',
          '$',
          `The two ${plural(b)} cost {=}`,
          `Two times {other} for the ${plural(b)} is {=}`,
        ],
        ['rest', 'paid - two', '$', `That leaves {=} for the {n}`, `So the {n} cost {=}`],
        ['one', 'rest / n', '$', `One ${a} therefore costs {=}`, 'Dividing equally gives {=}'],
      ],
      verdict: `One ${a} costs {answer}.`,
    };
  },

  function taxOnPurchase(r) {
    const who = person(r);
    const item = r.pick([
      'desk lamp',
      'rice cooker',
      'bookcase',
      'pair of headphones',
      'coffee grinder',
      'office chair',
      'winter coat',
    ]);
    return {
      given: { price: [20 * r.int(2, 12), '$'], rate: [r.pick([5, 10]), '%'], shipping: [r.int(4, 15), '$'] },
      scene: [
        `${who.name} is furnishing a new apartment.`,
        `${who.name} compared several online stores before choosing one.`,
        `The old one broke last week, so ${who.name} needs a replacement.`,
      ],
      tellings: [
        `${who.name} orders ${article(item)} for {price}. A sales tax of {rate} is added to the price, and shipping costs {shipping}.`,
        `The listed price of ${article(item)} is {price}. The store adds {rate} sales tax and charges {shipping} for delivery to ${who.name}'s door.`,
      ],
      asks: [
        `How much does ${who.name} pay for everything?`,
        `What is the total amount charged to ${who.name}?`,
      ],
      goal: 'the total with tax and shipping',
      steps: [
        ['tax', 'price * rate', '$', 'The tax is {=}', 'A tax of {rate} on {price} is {=}'],
        [
          'taxed',
          'price + tax',
          '$',
          `With tax, the ${item} costs {=}`,
          'Adding the tax to the price gives {=}',
        ],
        [
          'all',
          'taxed + shipping',
          '$',
          'With shipping the total is {=}',
          'Finally, shipping brings it to {=}',
        ],
      ],
      verdict: `${who.name} pays {answer}.`,
    };
  },
];
