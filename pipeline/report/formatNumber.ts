// Numbers for people: whole ones in full with separators, others to four significant digits.
// The locale is fixed, as the page may depend on nothing but the artifacts.

const INTEGER = new Intl.NumberFormat('en-US');
const REAL = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 4 });

/** What stands where there is no value; JSON writes NaN and infinities as null. */
export const NO_VALUE = '–';

/** `1234567` as 1,234,567; `0.123456` as 0.1235; `0.00001` as 1e-5; what is not finite as a dash. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return NO_VALUE;
  if (Number.isInteger(value)) return INTEGER.format(value);
  if (Math.abs(value) < 1e-4) return Number(value.toPrecision(3)).toExponential();
  return REAL.format(value);
}

/** The same with a sign in front. */
export function formatDifference(value: number): string {
  return (value > 0 ? '+' : '') + formatNumber(value);
}

/** A share of one in per cent: `14.3 %`. */
export function formatShare(value: number): string {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : NO_VALUE;
}

/** Nats to three places, or to four digits where that would be few: `4.083`, `0.0123`. */
export function formatNats(value: number): string {
  return Math.abs(value) >= 0.1 ? value.toFixed(3) : formatNumber(value);
}

/** Bytes in the largest unit that leaves a whole one: `2.5 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${Number((bytes / 1000 ** unit).toPrecision(3))} ${units[unit]}`;
}
