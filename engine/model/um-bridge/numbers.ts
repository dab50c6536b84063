/*
 * Numbers in the bodies of UM-Bridge. All are written as reals ("1.0", "-0.0"), because servers in Python would take "1"
 * for an integer, and Infinity as Python writes it, because JSON has no word for a log density of zero. Reading takes the
 * words of all servers: NaN, Infinity, nan, inf, and null for what is no number.
 */

/** A finite number, Infinity or NaN as text. */
export function realText(x: number): string {
  if (Object.is(x, -0)) return '-0.0';
  const text = String(x);
  return Number.isInteger(x) && !text.includes('e') ? `${text}.0` : text;
}

/** Numbers as '[1.0,2.5]'. */
export function vectorText(x: ArrayLike<number>): string {
  return `[${Array.from(x, realText).join(',')}]`;
}

/** A flat point as a list of vectors of the given sizes: '[[1.0,2.5],[3.0]]'. */
export function vectorsText(x: ArrayLike<number>, sizes: readonly number[]): string {
  const flat = Array.from(x);
  let at = 0;
  const parts = sizes.map((size) => {
    at += size;
    return vectorText(flat.slice(at - size, at));
  });
  return `[${parts.join(',')}]`;
}

/** A body as a value. @throws SyntaxError when it is no JSON. */
export function readBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/nan|inf/i.test(text)) throw error;
    return JSON.parse(text.replace(WORDS, (word, sign: string | undefined) => wordNumber(word, sign)));
  }
}

/** Texts in quotes, which stay as they are, and the words for what JSON has no number for. */
const WORDS = /"(?:[^"\\]|\\.)*"|(-?)\b(?:Infinity|inf)\b|-?\b(?:NaN|nan)\b/g;

function wordNumber(word: string, sign: string | undefined): string {
  if (word.startsWith('"')) return word;
  return sign === undefined ? 'null' : `${sign}1e999`;
}

/** A list of numbers; undefined when it is anything else. null is NaN. */
export function numbersOf(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const numbers: number[] = [];
  for (const x of value) {
    if (typeof x === 'number') numbers.push(x);
    else if (x === null) numbers.push(Number.NaN);
    else return undefined;
  }
  return numbers;
}

/** A list of lists of numbers as these lists; undefined when it is anything else. */
export function vectorsOf(value: unknown): readonly (readonly number[])[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const vectors: (readonly number[])[] = [];
  for (const entry of value) {
    const numbers = numbersOf(entry);
    if (numbers === undefined) return undefined;
    vectors.push(numbers);
  }
  return vectors;
}

/** A record of properties; undefined for anything else. */
export function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
