import type { Stream } from '../../engine/random/rng.ts';
import type { TreeChain } from '../../estimators/tree/types.ts';
import reference from '../reference/dts.json' with { type: 'json' };

type Pair = readonly [number, number];

/** Of one normal part in the plane at one level: log weight / sqrt(det), mean, and the inverse of its covariance. */
interface NoisedPart {
  readonly logWeight: number;
  readonly mean: Pair;
  readonly inverse: readonly [xx: number, xy: number, yy: number];
}

/** Of one part, the law one level below: mean + gain (x - mean), and a Cholesky factor. */
interface BackwardPart {
  readonly mean: Pair;
  readonly gain: readonly [number, number, number, number];
  readonly factor: readonly [xx: number, yx: number, yy: number];
}

interface PlaneProblem {
  readonly prior: {
    readonly weights: readonly number[];
    readonly means: readonly (readonly number[])[];
    readonly covariances: readonly (readonly (readonly number[])[])[];
  };
  readonly reward: unknown;
}

const { alphaBar } = reference;

/**
 * Four levels of noise on a normal mixture in the plane, walked back by the exact conditional laws, so that the ends follow
 * the mixture itself: problem 'ring8', 'skew5' or 'sine5' of test/reference/dts.json.
 */
export function exactKernelChain(name: 'ring8' | 'skew5' | 'sine5'): TreeChain {
  const problem: PlaneProblem = reference.problems[name];
  const depth = alphaBar.length - 1;
  const noised = alphaBar.map((level) => noisedParts(problem, level));
  const back = alphaBar.map((_, t) => (t === 0 ? [] : backwardParts(problem, t)));
  const start = noisedFactors(problem, alphaBar[depth]!);
  const { weights } = problem.prior;
  const chances = new Float64Array(weights.length);
  return {
    dimension: 2,
    steps: depth,
    init({ x, streams }) {
      for (const [i, stream] of streams.entries()) {
        const k = pick(weights, stream.uniform());
        const { mean } = noised[depth]![k]!;
        scatter(x, i, mean, start[k]!, stream);
      }
    },
    step({ x, level, next, streams }) {
      for (const [i, stream] of streams.entries()) {
        const t = level[i]!;
        posterior(noised[t]!, x[2 * i]!, x[2 * i + 1]!, chances);
        const k = pick(chances, stream.uniform());
        const { mean, gain, factor } = back[t]![k]!;
        const dx = x[2 * i]! - noised[t]![k]!.mean[0];
        const dy = x[2 * i + 1]! - noised[t]![k]!.mean[1];
        const at: Pair = [mean[0] + gain[0] * dx + gain[1] * dy, mean[1] + gain[2] * dx + gain[3] * dy];
        scatter(next, i, at, factor, stream);
      }
    },
    reward: { ring8: ringReward, skew5: skewReward, sine5: sineReward }[name],
  };
}

function scatter(
  x: Float64Array,
  row: number,
  mean: Pair,
  factor: BackwardPart['factor'],
  stream: Stream,
): void {
  const a = stream.normal();
  const b = stream.normal();
  x[2 * row] = mean[0] + factor[0] * a;
  x[2 * row + 1] = mean[1] + factor[1] * a + factor[2] * b;
}

function pick(weights: ArrayLike<number>, u: number): number {
  let total = 0;
  for (let k = 0; k < weights.length; k++) total += weights[k]!;
  let rest = u * total;
  for (let k = 0; k < weights.length - 1; k++) {
    rest -= weights[k]!;
    if (rest < 0) return k;
  }
  return weights.length - 1;
}

function posterior(parts: readonly NoisedPart[], x: number, y: number, out: Float64Array): void {
  let most = -Infinity;
  for (let k = 0; k < parts.length; k++) {
    const { logWeight, mean, inverse } = parts[k]!;
    const dx = x - mean[0];
    const dy = y - mean[1];
    out[k] = logWeight - (inverse[0] * dx * dx + 2 * inverse[1] * dx * dy + inverse[2] * dy * dy) / 2;
    most = Math.max(most, out[k]!);
  }
  for (let k = 0; k < parts.length; k++) out[k] = Math.exp(out[k]! - most);
}

/** a S + (1 - a) I of part k, [xx, xy, yy]. */
function covariance({ prior }: PlaneProblem, k: number, a: number): readonly [number, number, number] {
  const s = prior.covariances[k]!;
  return [a * s[0]![0]! + 1 - a, a * s[0]![1]!, a * s[1]![1]! + 1 - a];
}

function noisedParts(problem: PlaneProblem, a: number): NoisedPart[] {
  const { weights, means } = problem.prior;
  return weights.map((weight, k) => {
    const [xx, xy, yy] = covariance(problem, k, a);
    const det = xx * yy - xy * xy;
    const mean: Pair = [Math.sqrt(a) * means[k]![0]!, Math.sqrt(a) * means[k]![1]!];
    return {
      logWeight: Math.log(weight) - Math.log(det) / 2,
      mean,
      inverse: [yy / det, -xy / det, xx / det],
    };
  });
}

function noisedFactors(problem: PlaneProblem, a: number): BackwardPart['factor'][] {
  return problem.prior.weights.map((_, k) => cholesky(covariance(problem, k, a)));
}

function cholesky([xx, xy, yy]: readonly [number, number, number]): BackwardPart['factor'] {
  const first = Math.sqrt(xx);
  return [first, xy / first, Math.sqrt(yy - (xy * xy) / xx)];
}

function backwardParts(problem: PlaneProblem, t: number): BackwardPart[] {
  const above = alphaBar[t]!;
  const below = alphaBar[t - 1]!;
  const a = Math.sqrt(above / below);
  const { weights, means } = problem.prior;
  return weights.map((_, k) => {
    const [xx, xy, yy] = covariance(problem, k, below);
    const { inverse } = noisedParts(problem, above)[k]!;
    const gain = [
      a * (xx * inverse[0] + xy * inverse[1]),
      a * (xx * inverse[1] + xy * inverse[2]),
      a * (xy * inverse[0] + yy * inverse[1]),
      a * (xy * inverse[1] + yy * inverse[2]),
    ] as const;
    const factor = cholesky([
      xx - a * (gain[0] * xx + gain[1] * xy),
      xy - a * (gain[2] * xx + gain[3] * xy),
      yy - a * (gain[2] * xy + gain[3] * yy),
    ]);
    return { mean: [Math.sqrt(below) * means[k]![0]!, Math.sqrt(below) * means[k]![1]!], gain, factor };
  });
}

function ringReward(x: Float64Array, out: Float64Array): void {
  const { weights, centers, sigma } = reference.problems.ring8.reward;
  for (let i = 0; i < out.length; i++) {
    const exponent = centers.map(
      ([cx, cy]) => -((x[2 * i]! - cx!) ** 2 + (x[2 * i + 1]! - cy!) ** 2) / (2 * sigma ** 2),
    );
    const most = Math.max(...exponent);
    let total = 0;
    for (let k = 0; k < weights.length; k++) total += weights[k]! * Math.exp(exponent[k]! - most);
    out[i] = most + Math.log(total) - Math.log(2 * Math.PI * sigma ** 2);
  }
}

function skewReward(x: Float64Array, out: Float64Array): void {
  const { c, abd, l } = reference.problems.skew5.reward;
  for (let i = 0; i < out.length; i++) {
    const dx = x[2 * i]! - c[0]!;
    const dy = x[2 * i + 1]! - c[1]!;
    const square = abd[0]! * dx * dx + 2 * abd[1]! * dx * dy + abd[2]! * dy * dy;
    out[i] = -square / 2 + l[0]! * x[2 * i]! + l[1]! * x[2 * i + 1]!;
  }
}

function sineReward(x: Float64Array, out: Float64Array): void {
  const { A_p_q: wave, l } = reference.problems.sine5.reward;
  for (let i = 0; i < out.length; i++) {
    const [a, b] = [x[2 * i]!, x[2 * i + 1]!];
    out[i] = wave[0]! * Math.sin(wave[1]! * a) * Math.cos(wave[2]! * b) + l[0]! * a + l[1]! * b;
  }
}

const { length, vocab, h, J, lambda } = reference.disc4.definition;

/** lambda of the chain of tokens. */
export const TOKEN_LAMBDA: number = lambda;

/** All sequences of tokens. */
export const SEQUENCES: readonly (readonly number[])[] = Array.from({ length: vocab ** length }, (_, i) =>
  Array.from({ length }, (__, k) => Math.floor(i / vocab ** (length - 1 - k)) % vocab),
);

/** Not normalised. */
function density(x: readonly number[]): number {
  const energy = x.reduce((sum, token, i) => sum + h[i]![token]! + (i > 0 && x[i - 1] === token ? J : 0), 0);
  return Math.exp(energy);
}

function tokenReward(x: ArrayLike<number>, at: number): number {
  let twos = 0;
  for (let i = 0; i < length; i++) if (x[at + i] === 2) twos++;
  return twos - (x[at] === x[at + 3] ? 2 : 0) + (x[at + 1] !== x[at + 2] ? 0.5 : 0);
}

/** log Z and the law of each position, [4][3], by enumeration of all sequences. */
export function enumeratedTokens(): { readonly logZ: number; readonly marginals: number[][] } {
  const tilted = SEQUENCES.map((x) => density(x) * Math.exp(lambda * tokenReward(x, 0)));
  const all = tilted.reduce((sum, p) => sum + p, 0);
  const norm = SEQUENCES.reduce((sum, x) => sum + density(x), 0);
  const marginals = h.map((row, i) =>
    row.map((_, token) => tilted.reduce((sum, p, s) => sum + (SEQUENCES[s]![i] === token ? p / all : 0), 0)),
  );
  return { logZ: Math.log(all / norm), marginals };
}

/** The law of the token at `place` after the tokens before it of sequence i. */
function tokenLaw(i: number, place: number): readonly number[] {
  const same = SEQUENCES.filter((x) => x.every((y, k) => k >= place || y === SEQUENCES[i]![k]));
  const mass = h[place]!.map((_, token) =>
    same.reduce((sum, x) => sum + (x[place] === token ? density(x) : 0), 0),
  );
  const all = mass.reduce((sum, m) => sum + m, 0);
  return mass.map((m) => m / all);
}

function proposal(p: readonly number[], power: number): readonly number[] {
  const raised = p.map((x) => x ** power);
  const all = raised.reduce((sum, x) => sum + x, 0);
  return raised.map((x) => x / all);
}

/**
 * Four tokens from left to right by their exact conditional laws, 'disc4' of the reference; a state is the tokens so far.
 * @param power tokens are drawn from q proportional to p^power.
 * @param corrected whether log p - log q goes into the edge.
 */
export function tokenChain(power = 1, corrected = true): TreeChain {
  const laws = SEQUENCES.map((_, i) => Array.from({ length }, (__, place) => tokenLaw(i, place)));
  const tables = laws.map((row) => row.map((p) => ({ p, q: proposal(p, power) })));
  const extend = (
    next: Float64Array,
    row: number,
    place: number,
    edge: Float64Array,
    stream: Stream,
  ): void => {
    let first = 0;
    for (let k = 0; k < length; k++) first = vocab * first + (k < place ? next[row * length + k]! : 0);
    const { p, q } = tables[first]![place]!;
    const token = pick(q, stream.uniform());
    next[row * length + place] = token;
    if (corrected) edge[row] = Math.log(p[token]! / q[token]!);
  };
  return {
    dimension: length,
    steps: length - 1,
    init({ x, edge, streams }) {
      for (const [i, stream] of streams.entries()) extend(x, i, 0, edge, stream);
    },
    step({ x, level, next, edge, streams }) {
      next.set(x);
      for (const [i, stream] of streams.entries()) extend(next, i, length - level[i]!, edge, stream);
    },
    reward(x, out) {
      for (let i = 0; i < out.length; i++) out[i] = tokenReward(x, i * length);
    },
  };
}

/** The same with all tokens listed that may come next. */
export function listedTokenChain(): TreeChain {
  return {
    ...tokenChain(),
    children: (all, levels) =>
      Array.from(levels, (level, i) => {
        const x = all.subarray(i * length, (i + 1) * length);
        const place = length - level;
        let first = 0;
        for (let k = 0; k < length; k++) first = vocab * first + (k < place ? x[k]! : 0);
        const states = Array.from({ length: vocab }, (_, token) =>
          x.map((y, k) => (k === place ? token : y)),
        );
        return {
          x: Float64Array.from(states.flatMap((state) => [...state])),
          logProbability: Float64Array.from(tokenLaw(first, place), Math.log),
        };
      }),
  };
}

/** Steps that draw nothing but numbers in (0, 1): for what does not depend on states. */
export function dummyChain(steps: number): TreeChain {
  return {
    dimension: 1,
    steps,
    init({ x, streams }) {
      for (const [i, stream] of streams.entries()) x[i] = stream.uniform();
    },
    step({ next, streams }) {
      for (const [i, stream] of streams.entries()) next[i] = stream.uniform();
    },
    reward(x, out) {
      for (let i = 0; i < out.length; i++) out[i] = 3 * x[i]!;
    },
  };
}
