import { packed as packedFirst } from './tables/joe-kuo-first.ts';

/** Coordinates in the table of Joe & Kuo (2008), set D(6). */
export const SOBOL_DIMENSIONS = 21201;
/** Coordinates in the table that is always loaded; more are imported when asked for. */
export const FIRST_DIMENSIONS = 256;

/** Number of primitive polynomials over GF(2) of degree 1..18, which is the number of rows of each degree. */
const ROWS_OF_DEGREE = [
  1, 1, 2, 2, 6, 6, 18, 16, 48, 60, 176, 144, 630, 756, 1800, 2048, 7710, 7776,
] as const;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** One row of the table: the polynomial x^s + a_1 x^(s-1) + .. + a_(s-1) x + 1 and its initial numbers. */
export interface DirectionRow {
  /** Degree s of the polynomial = number of initial numbers. */
  readonly degree: number;
  /** The inner coefficients a_1..a_(s-1) as one integer, a_1 highest. */
  readonly coefficients: number;
  /** m_1..m_s, odd, m_k < 2^k. */
  readonly initial: readonly number[];
}

/** Rows of coordinates 2..dimension of a packed table (see tables/make.mjs for the packing). */
export function* unpackRows(packed: string, dimension: number): Generator<DirectionRow> {
  const take = bitReader(packed);
  let degree = 1;
  let left: number = ROWS_OF_DEGREE[0];
  for (let c = 2; c <= dimension; c++) {
    if (left === 0) left = ROWS_OF_DEGREE[degree++]!;
    left--;
    const coefficients = take(degree - 1);
    const initial = [1];
    for (let k = 2; k <= degree; k++) initial.push(2 * take(k - 1) + 1);
    yield { degree, coefficients, initial };
  }
}

/** Reader of the next `width` <= 17 bits of a packed string, six to a character; line ends are skipped. */
function bitReader(packed: string): (width: number) => number {
  const value = new Uint8Array(128).fill(64);
  for (let v = 0; v < 64; v++) value[ALPHABET.charCodeAt(v)] = v;
  let at = 0;
  let bits = 0;
  let held = 0;
  return (width) => {
    while (held < width) {
      const six = value[packed.charCodeAt(at++)]!;
      if (six === 64) continue;
      bits = (bits << 6) | six;
      held += 6;
    }
    held -= width;
    const taken = bits >>> held;
    bits &= (1 << held) - 1;
    return taken;
  };
}

/**
 * Direction numbers v_1..v_32 of coordinates 1..dimension as 32-bit integers, [dimension, 32].
 *
 * v_k = m_k 2^(32-k) for k <= s, then v_k = v_(k-s) XOR (v_(k-s) >> s) XOR of a_j v_(k-j), j = 1..s-1;
 * coordinate 1 is v_k = 2^(32-k). Above 256 coordinates the large table (about 0.5 MB) is imported first.
 * Source: Joe & Kuo (2008), set D(6); Bratley & Fox (1988) for the recurrence.
 */
export async function directionNumbers(dimension: number): Promise<Uint32Array> {
  const packed = dimension <= FIRST_DIMENSIONS ? packedFirst : (await import('./tables/joe-kuo.ts')).packed;
  const v = new Uint32Array(32 * dimension);
  for (let k = 0; k < 32 && dimension > 0; k++) v[k] = 2 ** (31 - k);
  let base = 32;
  for (const row of unpackRows(packed, dimension)) {
    extend(row, v.subarray(base, base + 32));
    base += 32;
  }
  return v;
}

function extend({ degree: s, coefficients: a, initial }: DirectionRow, v: Uint32Array): void {
  for (let k = 0; k < s; k++) v[k] = initial[k]! << (31 - k);
  for (let k = s; k < 32; k++) {
    let x = v[k - s]! ^ (v[k - s]! >>> s);
    for (let j = 1; j < s; j++) if ((a >>> (s - 1 - j)) & 1) x ^= v[k - j]!;
    v[k] = x;
  }
}
