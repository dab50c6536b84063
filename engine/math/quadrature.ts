/** Nodes on [0, 1) of the 15-point Kronrod rule on [-1, 1], largest first, and its weights. */
const NODE = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
  0.4058451513773972, 0.20778495500789848, 0.0,
] as const;
const KRONROD = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
  0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
] as const;
/** Weights of the 7-point Gauss rule, whose nodes are those with odd index. */
const GAUSS = [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694] as const;

interface Panel {
  readonly low: number;
  readonly high: number;
  readonly integral: number;
  /** Integral of |f|, the scale of the tolerance. */
  readonly size: number;
  readonly error: number;
}

function panel(f: (x: number) => number, low: number, high: number): Panel {
  const half = (high - low) / 2;
  const middle = low + half;
  let kronrod = 0;
  let gauss = 0;
  let size = 0;
  for (let i = 0; i < 8; i++) {
    const left = f(middle - half * NODE[i]!);
    const right = i === 7 ? 0 : f(middle + half * NODE[i]!);
    kronrod += KRONROD[i]! * (left + right);
    size += KRONROD[i]! * (Math.abs(left) + Math.abs(right));
    if (i % 2 === 1) gauss += GAUSS[i >> 1]! * (left + right);
  }
  return { low, high, integral: half * kronrod, size: half * size, error: half * Math.abs(kronrod - gauss) };
}

/**
 * Integral of `f` over the finite interval [low, high] by adaptive bisection with Gauss and Kronrod rules
 * (7 and 15 points), until the estimated error is below `tolerance` times the integral of |f|, at most 2000 panels.
 * Source: R. Piessens et al., QUADPACK (1983), the scheme of QAG; weights recomputed from the Stieltjes polynomial.
 */
export function integrate(f: (x: number) => number, low: number, high: number, tolerance = 1e-12): number {
  const panels = [panel(f, low, high)];
  for (let count = 1; count < 2000; count++) {
    let worst = 0;
    let error = 0;
    let size = 0;
    panels.forEach((each, i) => {
      error += each.error;
      size += each.size;
      if (each.error > panels[worst]!.error) worst = i;
    });
    if (!(error > tolerance * size)) break;
    const { low: left, high: right } = panels[worst]!;
    const middle = left + (right - left) / 2;
    panels[worst] = panel(f, left, middle);
    panels.push(panel(f, middle, right));
  }
  return panels.reduce((sum, each) => sum + each.integral, 0);
}

/** s = pi sinh t reaches 705 here, so that both tail probabilities stay normal numbers. */
const REACH = 6.1;

/**
 * int_0^1 g(p) dp for a g that may be unbounded at both ends, as E[X] = int quantile(p) dp: the double-exponential
 * substitution p = 1 / (1 + exp(-pi sinh t)), then `integrate`.
 *
 * @param g of p and q = 1 - p, both accurate however small.
 * Source: Takahasi & Mori (1974), Publ. RIMS 9, 721-741.
 */
export function integrateProbability(g: (p: number, q: number) => number, tolerance = 1e-12): number {
  const f = (t: number): number => {
    const s = Math.PI * Math.sinh(t);
    const p = 1 / (1 + Math.exp(-s));
    const q = 1 / (1 + Math.exp(s));
    return g(p, q) * p * q * Math.PI * Math.cosh(t);
  };
  return integrate(f, -REACH, 0, tolerance) + integrate(f, 0, REACH, tolerance);
}
