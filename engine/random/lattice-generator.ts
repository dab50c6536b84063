import { makeTurn } from '../turn.ts';

/** Work the search may spend: points x dimension x candidates tried for each component. */
const SEARCH_WORK = 2 ** 27;
const FEWEST_CANDIDATES = 4;
const MOST_CANDIDATES = 256;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const MOST_KNOWN = 16;

const known = new Map<string, Promise<Float64Array>>();

/**
 * Generating vector z [dimension] of a rank-1 lattice of `points` points, component by component: z_1 = 1, then each z_j
 * minimises the mean square worst-case error of the randomly shifted rule,
 *
 *   e^2(z_1..z_j) = -1 + (1/N) sum over n of prod over i <= j of (1 + g_i B(frac(n z_i / N))),  B(x) = x^2 - x + 1/6,
 *
 * in the unanchored Sobolev space of mixed first derivatives with product weights g_i = 1 / i^2. Departure from the
 * paper: for large N not every z coprime to N is tried but 4 to 256 of them, spread by multiples of the golden ratio;
 * only z <= N/2, as N - z gives the same error. The sum is folded by the symmetry n -> N - n.
 * The last 16 answers are kept.
 * Source: Sloan, Kuo & Joe (2002); Dick, Kuo & Sloan (2013), section 5.
 */
export function latticeGenerator(points: number, dimension: number): Promise<Float64Array> {
  const key = `${points} ${dimension}`;
  const hit = known.get(key);
  if (hit !== undefined) return hit;
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value!);
  const found = search(points, dimension);
  known.set(key, found);
  return found;
}

async function search(points: number, dimension: number): Promise<Float64Array> {
  const turn = makeTurn();
  const half = Math.floor(points / 2);
  const product = new Float64Array(half + 1).fill(2);
  product[0] = 1;
  if (points % 2 === 0) product[half] = 1;
  const limit = Math.floor(SEARCH_WORK / (points * dimension));
  const count = Math.min(MOST_CANDIDATES, Math.max(FEWEST_CANDIDATES, limit));
  const generator = new Float64Array(dimension).fill(1);
  for (let j = 0; j < dimension; j++) {
    let least = Infinity;
    for (const z of j === 0 ? [1] : candidates(points, half, count, j)) {
      const error = folded(product, z, points);
      if (error < least) {
        least = error;
        generator[j] = z;
      }
      if (turn.due()) await turn.pause();
    }
    multiply(product, generator[j]!, points, 1 / (j + 1) ** 2);
  }
  return generator;
}

/** Numbers coprime to `points` in 1..half: all of them when few, else `count` spread over the range. */
function candidates(points: number, half: number, count: number, j: number): readonly number[] {
  if (half <= 1) return [1];
  const list: number[] = [];
  if (half <= count) {
    for (let z = 1; z <= half; z++) if (coprime(z, points)) list.push(z);
    return list;
  }
  for (let k = 0; k < count; k++) {
    let z = 1 + Math.floor((((j * count + k) * GOLDEN) % 1) * half);
    while (!coprime(z, points)) z = z >= half ? 1 : z + 1;
    list.push(z);
  }
  return list;
}

function coprime(a: number, b: number): boolean {
  let x = a;
  let y = b;
  while (y !== 0) [x, y] = [y, x % y];
  return x === 1;
}

/** Sum over n = 0..N-1 of product(n) B(frac(n z / N)), folded at N/2. B is computed: looking it up costs a cache miss. */
function folded(product: Float64Array, z: number, points: number): number {
  const step = 1 / points;
  let total = 0;
  let at = 0;
  for (let n = 0; n < product.length; n++) {
    const x = at * step;
    total += product[n]! * (x * (x - 1) + 1 / 6);
    at += z - points;
    at += points & (at >> 31); // the branch would be a coin toss
  }
  return total;
}

function multiply(product: Float64Array, z: number, points: number, weight: number): void {
  const step = 1 / points;
  let at = 0;
  for (let n = 0; n < product.length; n++) {
    const x = at * step;
    product[n]! *= 1 + weight * (x * (x - 1) + 1 / 6);
    at += z - points;
    at += points & (at >> 31);
  }
}
