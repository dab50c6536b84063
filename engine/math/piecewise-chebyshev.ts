/**
 * Functions of one variable as polynomials on panels, and their integrals.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | panel edges | edges | [m + 1] |
 * | x at the extrema of T_DEGREE on each panel, ascending | nodes | [m (DEGREE + 1)] |
 * | c_j of sum c_j T_j on a panel | coefficients | [DEGREE + 1] |
 */
const DEGREE = 16;

/** Points of a panel. */
export const PANEL_POINTS: number = DEGREE + 1;

/** cos(pi (DEGREE - k) / DEGREE): ascending on [-1, 1]. */
const POINT = /* @__PURE__ */ Float64Array.from({ length: PANEL_POINTS }, (_, k) =>
  Math.cos((Math.PI * (DEGREE - k)) / DEGREE),
);

/** Clenshaw & Curtis (1960): weights on [-1, 1] of the rule that integrates the interpolating polynomial. */
const RULE = /* @__PURE__ */ Float64Array.from({ length: PANEL_POINTS }, (_, k) => {
  let sum = 0;
  for (let j = 0; j <= DEGREE; j += 2) {
    const end = j === 0 || j === DEGREE ? 0.5 : 1;
    sum += (end * 2 * Math.cos((Math.PI * j * (DEGREE - k)) / DEGREE)) / (1 - j * j);
  }
  return ((k === 0 || k === DEGREE ? 1 : 2) * sum) / DEGREE;
});

/** Narrowest panel, relative to the whole interval: a jump ends up in one of this width. */
const NARROWEST = 2 ** -44;
const MOST_PANELS = 1000;

/** A function on panels on each of which it is a polynomial to `tolerance`. */
export interface Panels {
  readonly edges: Float64Array;
  readonly nodes: Float64Array;
  readonly values: Float64Array;
}

/**
 * Cut [low, high] into panels no wider than `width`, halved until f is a polynomial on each to `tolerance` of its largest
 * size there. Jumps and kinks are closed in on.
 */
export function panelsOf(
  f: (x: number) => number,
  low: number,
  high: number,
  width: number,
  tolerance = 1e-11,
): Panels {
  const first = Math.ceil((high - low) / width);
  const waiting: [number, number][] = [];
  for (let i = first; i > 0; i--)
    waiting.push([low + ((i - 1) / first) * (high - low), low + (i / first) * (high - low)]);
  const edges: number[] = [low];
  const nodes: number[] = [];
  const values: number[] = [];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [a, b] = next;
    const x = POINT.map((s) => a + ((s + 1) / 2) * (b - a));
    const y = x.map(f);
    const middle = a + (b - a) / 2;
    const full = edges.length + waiting.length >= MOST_PANELS;
    if (full || b - a <= NARROWEST * (high - low) || isSmooth(y, tolerance)) {
      edges.push(b);
      nodes.push(...x);
      values.push(...y);
    } else waiting.push([middle, b], [a, middle]);
  }
  return {
    edges: Float64Array.from(edges),
    nodes: Float64Array.from(nodes),
    values: Float64Array.from(values),
  };
}

/** The last coefficients of a smooth function are rounding. */
function isSmooth(y: Float64Array, tolerance: number): boolean {
  const size = y.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const c = coefficientsOf(y, 0);
  const tail = Math.abs(c[DEGREE]!) + Math.abs(c[DEGREE - 1]!) + Math.abs(c[DEGREE - 2]!);
  return tail <= tolerance * size;
}

function coefficientsOf(y: Float64Array, at: number): Float64Array {
  const c = new Float64Array(PANEL_POINTS);
  for (let j = 0; j <= DEGREE; j++) {
    let sum = 0;
    for (let k = 0; k <= DEGREE; k++) {
      const end = k === 0 || k === DEGREE ? 0.5 : 1;
      sum += end * y[at + k]! * COSINE[(j * (DEGREE - k)) % (2 * DEGREE)]!;
    }
    c[j] = (sum * (j === 0 || j === DEGREE ? 1 : 2)) / DEGREE;
  }
  return c;
}

const COSINE = /* @__PURE__ */ Float64Array.from({ length: 2 * DEGREE }, (_, i) =>
  Math.cos((Math.PI * i) / DEGREE),
);

/** Weights [nodes] of integrals over all panels: int g = sum weight g(node). */
export function panelWeights({ edges }: Panels): Float64Array {
  const count = edges.length - 1;
  const weight = new Float64Array(count * PANEL_POINTS);
  for (let i = 0; i < count; i++) {
    const half = (edges[i + 1]! - edges[i]!) / 2;
    for (let k = 0; k < PANEL_POINTS; k++) weight[i * PANEL_POINTS + k] = half * RULE[k]!;
  }
  return weight;
}

/** The integral of a density from below and from above, both with full relative accuracy in their own tail. */
export interface Cumulative {
  /** int_low^x */
  below(x: number): number;
  /** int_x^high */
  above(x: number): number;
  /** The x at which `below` is p times the whole. */
  fromBelow(p: number): number;
  /** The x at which `above` is q times the whole. */
  fromAbove(q: number): number;
}

/** The integral of a density g >= 0 known at the nodes of panels, scaled to a whole of 1. */
export function cumulate(panels: Panels, g: Float64Array): Cumulative {
  const { edges } = panels;
  const count = edges.length - 1;
  const integral = Array.from({ length: count }, (_, i) =>
    antiderivative(coefficientsOf(g, i * PANEL_POINTS), (edges[i + 1]! - edges[i]!) / 2),
  );
  const part = Float64Array.from(integral, (c) => Math.max(0, clenshaw(c, 1)));
  const below = new Float64Array(count + 1);
  const above = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) below[i + 1] = below[i]! + part[i]!;
  for (let i = count; i > 0; i--) above[i - 1] = above[i]! + part[i - 1]!;
  const whole = below[count]!;
  const panelAt = (x: number): number => last(count, (i) => edges[i]! <= x);
  const inside = (i: number, x: number): number => {
    const s = (2 * (x - edges[i]!)) / (edges[i + 1]! - edges[i]!) - 1;
    return Math.min(part[i]!, Math.max(0, clenshaw(integral[i]!, Math.min(1, Math.max(-1, s)))));
  };
  const solve = (i: number, wanted: number): number => {
    const share = (x: number): number => inside(i, x) - wanted;
    return rootIn(share, edges[i]!, edges[i + 1]!, wanted / part[i]!);
  };
  return {
    below: (x) => {
      const i = panelAt(x);
      return Math.min(1, (below[i]! + inside(i, x)) / whole);
    },
    above: (x) => {
      const i = panelAt(x);
      return Math.min(1, (above[i + 1]! + (part[i]! - inside(i, x))) / whole);
    },
    fromBelow: (p) => {
      const i = last(count, (k) => below[k]! <= p * whole);
      return solve(i, p * whole - below[i]!);
    },
    fromAbove: (q) => {
      const i = last(count, (k) => above[k]! >= q * whole);
      return solve(i, part[i]! - (q * whole - above[i + 1]!));
    },
  };
}

/** The largest i in 0..count-1 with `holds(i)`, where it holds up to some i and no further; 0 when for none. */
function last(count: number, holds: (i: number) => boolean): number {
  let [low, high] = [0, count];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Root of a non-decreasing f in [a, b]: regula falsi of Illinois (Dowell & Jarratt 1971) from a first guess of its place. */
function rootIn(f: (x: number) => number, a: number, b: number, guess: number): number {
  let [low, high] = [a, b];
  let [fLow, fHigh] = [f(a), f(b)];
  if (fLow >= 0) return a;
  if (fHigh <= 0) return b;
  let x = a + Math.min(1, Math.max(0, guess)) * (b - a);
  let side = 0;
  for (let i = 0; i < 100 && x > low && x < high; i++) {
    const fx = f(x);
    if (fx === 0 || high - low <= 4 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high))) return x;
    if (fx < 0) {
      [low, fLow] = [x, fx];
      if (side < 0) fHigh /= 2;
      side = -1;
    } else {
      [high, fHigh] = [x, fx];
      if (side > 0) fLow /= 2;
      side = 1;
    }
    const next = (low * fHigh - high * fLow) / (fHigh - fLow);
    if (next === x) return x;
    x = next;
  }
  return Math.min(b, Math.max(a, x));
}

/** Coefficients of the integral from -1 of sum c_j T_j(s), times `scale`. */
function antiderivative(c: Float64Array, scale: number): Float64Array {
  const b = new Float64Array(DEGREE + 2);
  const at = (j: number): number => (j <= DEGREE ? c[j]! : 0);
  b[1] = scale * (at(0) - at(2) / 2);
  for (let j = 2; j <= DEGREE + 1; j++) b[j] = (scale * (at(j - 1) - at(j + 1))) / (2 * j);
  for (let j = 1; j <= DEGREE + 1; j++) b[0] = b[0]! + (j % 2 === 1 ? b[j]! : -b[j]!);
  return b;
}

function clenshaw(c: Float64Array, s: number): number {
  let [b1, b2] = [0, 0];
  for (let j = c.length - 1; j > 0; j--) [b1, b2] = [c[j]! + 2 * s * b1 - b2, b1];
  return c[0]! + s * b1 - b2;
}
