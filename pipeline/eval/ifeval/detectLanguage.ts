// Which language a text is in, by the method and the profiles of Python's langdetect 1.0.9 (Shuyo's
// language-detection: naive Bayes on runs of one to three characters, drawn at random until one language is certain,
// seven times over). No other library agrees with it on texts in capitals, whose words it ignores. langdetect draws
// from an unseeded generator; here it is seeded with 0, as it is with DetectorFactory.seed = 0.
import { pythonRandom, type PythonRandom } from '../prompts/pythonRandom.ts';
import { codePoints } from '../prompts/pythonText.ts';
import { readLanguageProfiles, type LanguageProfile } from './languageData.ts';

const TRIALS = 7;
const MAX_DRAWS = 1000;
const MAX_LENGTH = 10_000;
const CERTAIN = 0.99999;
const LIKELY = 0.1;
const BASE_FREQUENCY = 10_000;
const URL = /https?:\/\/[-_.?&~;+=/#0-9A-Za-z]{1,2076}/g;
const MAIL = /[-_.0-9A-Za-z]{1,64}@[-_0-9A-Za-z]{1,255}[-_.0-9A-Za-z]{1,255}/g;
/** Vietnamese letters written with a combining mark, which NFC composes as langdetect's table does. */
const WITH_MARK = /[AEIOUYaeiouyÂÊÔâêôĂăƠơƯư][\u0300\u0301\u0303\u0309\u0323]/g;

/** The probabilities of a run of characters in the languages that know it. */
type Feature = { language: number; probability: number }[];

interface Model {
  names: string[];
  features: Map<string, Feature>;
  /** A representative for each Chinese character that has one. */
  representatives: Map<string, string>;
}

let loaded: Model | undefined;

/** The ISO 639-1 code of the language (`zh-cn`, `zh-tw`); `unknown`; undefined for a text without any feature. */
export function detectLanguage(text: string): string | undefined {
  const model = (loaded ??= loadModel());
  const features = featuresOf(withoutStrayLatin(cleaned(text)), model);
  if (features.length === 0) return undefined;
  const probabilities = averageProbabilities(features, model.names.length);
  const best = probabilities.indexOf(Math.max(...probabilities));
  return probabilities[best]! > LIKELY ? model.names[best]! : 'unknown';
}

function loadModel(): Model {
  const { languages, cjk_classes } = readLanguageProfiles();
  const features = new Map<string, Feature>();
  languages.forEach((profile, language) => addProfile(features, profile, language));
  return {
    names: languages.map(({ name }) => name),
    features,
    representatives: new Map(
      cjk_classes.flatMap((members) => Array.from(members, (char) => [char, members[0]!] as const)),
    ),
  };
}

function addProfile(features: Map<string, Feature>, profile: LanguageProfile, language: number): void {
  for (const [run, count] of Object.entries(profile.freq)) {
    const feature = features.get(run) ?? [];
    features.set(run, feature);
    feature.push({ language, probability: count / profile.n_words[codePoints(run) - 1]! });
  }
}

/** Addresses out, letters composed, runs of spaces as one, and no more than langdetect looks at. */
function cleaned(text: string): string {
  const composed = text
    .replace(URL, ' ')
    .replace(MAIL, ' ')
    .replace(WITH_MARK, (letter) => letter.normalize('NFC'));
  return Array.from(composed).slice(0, MAX_LENGTH).join('').replace(/ +/g, ' ');
}

/** Latin letters (and what lies between `Z` and `a`) are left out where others are more than twice as many. */
function withoutStrayLatin(text: string): string {
  let latin = 0;
  let other = 0;
  for (const char of text) {
    if (char >= 'A' && char <= 'z') latin += 1;
    else if (char.codePointAt(0)! >= 0x300) other += 1;
  }
  return latin * 2 < other ? text.replace(/[A-z]/g, '') : text;
}

/** The known runs of up to three characters, word by word, with the space before a word; no words in capitals. */
function featuresOf(text: string, { features, representatives }: Model): Feature[] {
  const found: Feature[] = [];
  let run = [' '];
  let inCapitals = false;
  for (const raw of text) {
    const char = normalized(raw, representatives);
    const last = run.at(-1)!;
    if (last === ' ') {
      run = [' '];
      inCapitals = false;
    } else if (run.length === 3) run = run.slice(1);
    if (char !== ' ' || last !== ' ') {
      run.push(char);
      inCapitals = isCapital(char) && (isCapital(last) || inCapitals);
    }
    if (inCapitals) continue;
    for (let n = 1; n <= run.length; n++) {
      const tail = run.slice(-n).join('');
      const feature = tail === ' ' ? undefined : features.get(tail);
      if (feature) found.push(feature);
    }
  }
  return found;
}

function isCapital(char: string): boolean {
  return /\p{Uppercase}/u.test(char);
}

/** One character for all that tell as much about a language, by blocks of Unicode; a space for what tells nothing. */
function normalized(char: string, representatives: Map<string, string>): string {
  const code = char.codePointAt(0)!;
  if (code < 0x80) return /[A-Za-z]/.test(char) ? char : ' ';
  if ('\u00a0\u00ab\u00b0\u00bb'.includes(char)) return ' ';
  if (char === '\u0219') return '\u015f'; // Romanian s and t: a comma below is a cedilla
  if (char === '\u021b') return '\u0163';
  if (char === '\u06cc') return '\u064a'; // Farsi yeh is Arabic yeh
  const block = BLOCKS.find(({ from, to }) => code >= from && code <= to);
  return block ? block.as : (representatives.get(char) ?? char);
}

/** The blocks whose characters all count as one. */
const BLOCKS = [
  { from: 0x1ea0, to: 0x1eff, as: '\u1ec3' }, // Vietnamese
  { from: 0x2000, to: 0x206f, as: ' ' }, // punctuation
  { from: 0x3040, to: 0x309f, as: '\u3042' }, // Hiragana
  { from: 0x30a0, to: 0x30ff, as: '\u30a2' }, // Katakana
  { from: 0x3100, to: 0x312f, as: '\u3105' }, // Bopomofo
  { from: 0x31a0, to: 0x31bf, as: '\u3105' },
  { from: 0xac00, to: 0xd7af, as: '\uac00' }, // Hangul
];

function averageProbabilities(features: readonly Feature[], languages: number): number[] {
  const random = pythonRandom(0);
  const normal = normalDeviates(random);
  const sum = new Array<number>(languages).fill(0);
  for (let trial = 0; trial < TRIALS; trial++) {
    const weight = (0.5 + normal() * 0.05) / BASE_FREQUENCY;
    const probabilities = oneTrial(weight, {
      languages,
      next: () => features[random.randrange(features.length)]!,
    });
    probabilities.forEach((probability, i) => (sum[i]! += probability / TRIALS));
  }
  return sum;
}

function oneTrial(
  weight: number,
  { languages, next }: { languages: number; next: () => Feature },
): Float64Array {
  const probabilities = new Float64Array(languages).fill(1 / languages);
  for (let draws = 0; ; draws++) {
    const factors = new Float64Array(languages).fill(weight);
    for (const { language, probability } of next()) factors[language]! += probability;
    factors.forEach((factor, i) => (probabilities[i]! *= factor));
    if (draws % 5 === 0 && (normalize(probabilities) > CERTAIN || draws >= MAX_DRAWS)) return probabilities;
  }
}

/** Makes the probabilities sum to 1. @returns the greatest */
function normalize(probabilities: Float64Array): number {
  const total = probabilities.reduce((sum, probability) => sum + probability, 0);
  probabilities.forEach((probability, i) => (probabilities[i] = probability / total));
  return Math.max(...probabilities);
}

/** Standard normal deviates in pairs, as random.gauss makes them. */
function normalDeviates(random: PythonRandom): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const angle = random.random() * 2 * Math.PI;
    const radius = Math.sqrt(-2 * Math.log(1 - random.random()));
    spare = Math.sin(angle) * radius;
    return Math.cos(angle) * radius;
  };
}
