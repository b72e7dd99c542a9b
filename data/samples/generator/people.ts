// The cast of the word problems: given names from many places, each with its pronouns, and a few place names.
import type { Random, Several } from './random.ts';

const SHE = (
  'Amara Beatriz Chloe Daniela Elif Fatima Grace Hana Ingrid Jasmine Keiko Leila Maya Nadia Olivia Priya ' +
  'Rosa Sofia Tessa Uma Valentina Wendy Ximena Yuki Zoe Abigail Bianca Carmen Dalia Esther Freya Gita Helena ' +
  'Imani Julia Kavya Lucia Mei Noor Paloma Ruth Simone Thandi Vera Willa Anya Clara Dina Eleni Maribel'
).split(' ');
const HE = (
  'Ahmed Bruno Caleb Diego Emeka Felix Gabriel Hassan Ivan Jamal Kenji Liam Mateo Nikhil Oscar Pavel Quinn ' +
  'Rafael Samuel Tomas Umar Victor Wei Xavier Yusuf Zach Andre Benjamin Carlos Dmitri Elias Finn Goran Hugo ' +
  'Isaac Joel Kwame Lorenzo Marcus Nathan Omar Peter Rohan Stefan Theo Vikram Walter Arjun Cedric Leon'
).split(' ');

// prettier-ignore
export const TOWNS = ['Ashford', 'Brookfield', 'Cedarville', 'Dunmore', 'Eastport', 'Fairview', 'Glenwood', 'Harlow', 'Kingsbridge', 'Lakeside', 'Milton', 'Northgate', 'Oakdale', 'Riverton', 'Springdale', 'Westfield'];

export const WEEKDAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

// prettier-ignore
export const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

/** Words that keep their capital in mid-sentence. */
export const PROPER_NOUNS: ReadonlySet<string> = new Set([
  ...SHE,
  ...HE,
  ...TOWNS,
  ...WEEKDAYS,
  ...MONTHS,
  'Mr',
  'Ms',
]);

export interface Person {
  name: string;
  he: string;
  him: string;
  his: string;
  He: string;
  His: string;
}

const CAST: readonly Person[] = [
  ...SHE.map((name) => ({ name, he: 'she', him: 'her', his: 'her', He: 'She', His: 'Her' })),
  ...HE.map((name) => ({ name, he: 'he', him: 'him', his: 'his', He: 'He', His: 'His' })),
];

export function person(random: Random): Person {
  return random.pick(CAST);
}

/** Different people. */
export function people<N extends number>(random: Random, count: N): Several<Person, N> {
  return random.sample(CAST, count);
}
