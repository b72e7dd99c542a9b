// Small exact number theory for the exercise families.

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

export function factors(n: number): Map<number, number> {
  const found = new Map<number, number>();
  for (let p = 2; n > 1; p++) for (; n % p === 0; n /= p) found.set(p, (found.get(p) ?? 0) + 1);
  return found;
}

/** 72 -> "2^3 \cdot 3^2". */
export function factored(n: number): string {
  return [...factors(n)].map(([p, e]) => (e === 1 ? String(p) : `${p}^{${e}}`)).join(String.raw` \cdot `);
}

export function divisors(n: number): number[] {
  return [...Array(n).keys()].map((i) => i + 1).filter((d) => n % d === 0);
}

export function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

export function choose(n: number, k: number): number {
  return factorial(n) / (factorial(k) * factorial(n - k));
}

/** The integers from `low` to `high`. */
export function range(low: number, high: number): number[] {
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, i) => low + i);
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The reduced fraction in LaTeX, or the integer it equals. */
export function fraction(numerator: number, denominator: number): string {
  const d = gcd(Math.abs(numerator), Math.abs(denominator));
  const [top, bottom] = [numerator / d, denominator / d];
  return bottom === 1 ? String(top) : String.raw`\frac{${top}}{${bottom}}`;
}

/** "+ 3" or "- 3", to follow a term. */
export function signed(value: number): string {
  return value < 0 ? `- ${-value}` : `+ ${value}`;
}

/** "x", "-x", "3x": a coefficient before its letter. */
export function term(coefficient: number, letter: string): string {
  return `${{ 1: '', '-1': '-' }[String(coefficient)] ?? coefficient}${letter}`;
}

/** "+ 3x", "- x": a term to follow another. */
export function signedTerm(coefficient: number, letter: string): string {
  return `${coefficient < 0 ? '-' : '+'} ${term(Math.abs(coefficient), letter)}`;
}

/** "(-3)" or "3": a number to follow an operator. */
export function enclosed(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}
