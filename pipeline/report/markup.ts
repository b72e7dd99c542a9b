// Markup that cannot be injected into: whatever is put into the template is escaped, unless it is markup itself.
// What is markup is marked by a symbol, which nothing that was read from JSON can bear.

const CONTENT = Symbol('markup');

/** A piece of HTML or SVG. */
export interface Markup {
  readonly [CONTENT]: string;
}

/** What a template may hold: text and numbers are escaped, lists joined, undefined left out. */
export type Part = Markup | string | number | undefined | readonly Part[];

/** Tag of a template: `` markup`<td>${text}</td>` ``. Attribute values must stand in double quotes. */
export function markup(literals: TemplateStringsArray, ...parts: Part[]): Markup {
  return trusted(
    literals.map((literal, i) => literal + (i < parts.length ? contentOf(parts[i]) : '')).join(''),
  );
}

/** Markup of our own making, taken as it is. */
export function trusted(content: string): Markup {
  return { [CONTENT]: content };
}

/** The HTML of a part, escaped where it was text. */
export function contentOf(part: Part): string {
  if (part === undefined) return '';
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part));
  return CONTENT in part ? part[CONTENT] : part.map(contentOf).join('');
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
