// The tables that IFEval's language checks rest on, read when first needed; data/NOTICE says where they come from.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** How often runs of one to three characters occur in a language; `n_words` are the totals by length. */
export interface LanguageProfile {
  name: string;
  n_words: [number, number, number];
  freq: Record<string, number>;
}

/** langdetect's profiles of 55 languages, and sets of Chinese characters that count as one. */
export interface LanguageProfiles {
  languages: LanguageProfile[];
  cjk_classes: string[];
}

/** Parameters of a Punkt model: types without their period, pairs with a space between, flags of letter case. */
export interface PunktParameters {
  abbreviations: string[];
  sentence_starters: string[];
  collocations: string[];
  orthography: Record<string, number>;
}

/** langdetect's profiles. */
export function readLanguageProfiles(): LanguageProfiles {
  return read('langdetect-1.0.9.json.gz') as LanguageProfiles;
}

/** The parameters for English. */
export function readPunktParameters(): PunktParameters {
  return read('punkt-english.json.gz') as PunktParameters;
}

function read(name: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(new URL(`data/${name}`, import.meta.url))).toString());
}
