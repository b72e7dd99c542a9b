// Things that word problems are about, in the singular and grouped so that any member of a group fits the same sentence.
import type { Random } from './random.ts';

// prettier-ignore
export const THINGS = {
  stationery: ['pen', 'notebook', 'ruler', 'eraser', 'marker', 'folder', 'glue stick', 'sketch pad', 'highlighter', 'pencil case', 'sharpener', 'binder'],
  produce: ['apple', 'orange', 'mango', 'lemon', 'peach', 'avocado', 'pear', 'melon', 'pineapple', 'cucumber', 'cabbage', 'pumpkin'],
  groceries: ['carton of milk', 'loaf of bread', 'jar of honey', 'bag of rice', 'box of cereal', 'bottle of juice', 'can of soup', 'packet of tea', 'block of cheese', 'tub of yogurt'],
  clothes: ['shirt', 'sweater', 'scarf', 'hat', 'jacket', 'dress', 'belt', 'pair of socks', 'pair of gloves', 'raincoat'],
  treats: ['cookie', 'muffin', 'cupcake', 'brownie', 'croissant', 'bagel', 'doughnut', 'pretzel', 'scone', 'tart'],
  toys: ['marble', 'toy car', 'puzzle', 'kite', 'yo-yo', 'board game', 'stuffed bear', 'spinning top', 'model plane', 'jump rope'],
  collectibles: ['stamp', 'coin', 'seashell', 'sticker', 'postcard', 'comic book', 'trading card', 'pebble', 'badge', 'bottle cap'],
  crafts: ['bracelet', 'candle', 'clay pot', 'birdhouse', 'tote bag', 'picture frame', 'wooden spoon', 'necklace', 'quilt', 'basket'],
  plants: ['tomato plant', 'rose bush', 'fern', 'tulip', 'sunflower', 'basil plant', 'strawberry plant', 'lavender bush', 'pepper plant', 'daisy'],
  animals: ['goat', 'hen', 'rabbit', 'duck', 'lamb', 'pony', 'goose', 'turkey'],
  gear: ['helmet', 'tent', 'backpack', 'lantern', 'sleeping bag', 'water bottle', 'flashlight', 'camp stove', 'rope', 'compass'],
  shops: ['bakery', 'corner shop', 'market stall', 'bookshop', 'garden center', 'school store', 'thrift shop', 'toy shop', 'hardware store', 'farm stand'],
  projects: ['a new bicycle', 'a guitar', 'a telescope', 'a camera', 'a drum set', 'a tablet', 'a pair of skis', 'a sewing machine', 'a microscope', 'a skateboard'],
} as const;

export function thing(random: Random, group: keyof typeof THINGS): string {
  return random.pick<string>(THINGS[group]);
}

/** Two different things of a group. */
export function twoThings(random: Random, group: keyof typeof THINGS): [string, string] {
  return random.sample<string, 2>(THINGS[group], 2);
}
