import { expect, test } from 'vitest';
import type { Dependence } from '../../engine/distribution/inputs.ts';
import { jointLaw } from '../../engine/distribution/joint-density.ts';
import { normalScore } from '../../engine/distribution/joint-parts.ts';
import { checkRatios, lawFamily, memberOf } from '../../engine/distribution/law-family.ts';
import { toInputs } from '../../engine/distribution/normal-space.ts';
import {
  beta,
  categorical,
  exponential,
  gaussianCopula,
  type Inputs,
  inputSpace,
  logNormal,
  multivariateNormal,
  normal,
  poisson,
  studentT,
  uniform,
} from '../../engine/index.ts';

const RHO = [
  [1, 0, -0.6],
  [0, 1, 0],
  [-0.6, 0, 1],
];
const copula = gaussianCopula(RHO);

function grid(n: number, d: number): Float64Array {
  return Float64Array.from({ length: n * d }, (_, i) => ((i + 1) * 0.6180339887498949) % 1);
}

test('jointLaw(): normal inputs under a Gaussian copula are the multivariate normal, 35 deviations out too', () => {
  const mean = [1, -2, 10];
  const sd = [0.5, 2, 1e-3];
  const inputs = Object.fromEntries(mean.map((m, c) => [`x${c}`, normal(m, sd[c]!)]));
  const joint = jointLaw('test', inputSpace('test', inputs, copula));
  const exact = multivariateNormal(
    mean,
    RHO.map((row, i) => row.map((r, j) => r * sd[i]! * sd[j]!)),
  );
  const z = [0, 0.3, -1, 2, -2, 0.1, 35, -35, 30, -20, 0, 35];
  const x = Float64Array.from(z, (value, i) => mean[i % 3]! + sd[i % 3]! * value);
  const [own, other] = [new Float64Array(4), new Float64Array(4)];
  joint.logDensity(x, own);
  exact.logDensity(x, other);
  own.forEach((value, i) => void expect(value / other[i]!).toBeCloseTo(1, 11));
});

test('jointLaw(): a density over dependent log-normal, exponential and beta inputs integrates to 1', () => {
  const laws = [logNormal(0, 0.5), exponential(3), beta(2, 3)] as const;
  const space = inputSpace('test', { a: laws[0], b: laws[1], c: laws[2] }, copula);
  const joint = jointLaw('test', space);
  // Trapezoid over independent scores in each coordinate, x_c = F_c^-1(Phi(s_c)), dx_c = phi(s_c) / f_c(x_c) ds_c.
  const nodes = Array.from({ length: 23 }, (_, k) => -6.6 + 0.6 * k);
  const s = Float64Array.from(nodes.flatMap((a) => nodes.flatMap((b) => nodes.flatMap((c) => [a, b, c]))));
  const n = nodes.length ** 3;
  const [x, out] = [new Float64Array(3 * n), new Float64Array(n)];
  toInputs(inputSpace('test', { a: laws[0], b: laws[1], c: laws[2] }), s, n, x);
  joint.logDensity(x, out);
  let [total, product] = [0, 0];
  for (let i = 0; i < n; i++) {
    let log = out[i]! - 1.5 * Math.log(2 * Math.PI);
    for (let c = 0; c < 3; c++) log -= laws[c]!.logDensity(x[3 * i + c]!) + 0.5 * s[3 * i + c]! ** 2;
    total += 0.216 * Math.exp(log);
    product += 0.216 * Math.exp(log) * s[3 * i]! * s[3 * i + 2]!;
  }
  expect(total).toBeCloseTo(1, 9);
  expect(product).toBeCloseTo(-0.6, 9);
});

test('normalScore(): keeps its digits in both tails, for every law', () => {
  for (const law of [logNormal(1, 2), exponential(0.2), normal(3, 2), studentT(4)]) {
    for (const z of [-7, -3, -0.1, 0.5, 4]) {
      const x = new Float64Array(1);
      toInputs(inputSpace('test', { x: law }), Float64Array.of(z), 1, x);
      expect(normalScore(law, x[0]!)).toBeCloseTo(z, 11);
    }
  }
  expect(normalScore(uniform(0, 1), 0)).toBeGreaterThan(-38);
  expect(normalScore(exponential(1), 720)).toBeLessThan(38);
});

test('copula density: undone by decorrelate, and 1 for independent inputs', () => {
  const z = Float64Array.of(1, 2, 3, -4, 0.5, 30);
  const back = z.slice();
  copula.correlate!(back, 2);
  copula.decorrelate!(back, 2);
  back.forEach((value, i) => void expect(value).toBeCloseTo(z[i]!, 12));
  const out = new Float64Array(2);
  gaussianCopula([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]).logDensity!(z, 2, out);
  expect([...out]).toEqual([0, 0]);
});

const BASE: Inputs = { a: logNormal(0, 0.5), b: uniform(0, 2), c: normal(1, 3) };

function family(others: readonly (readonly [Inputs, Dependence | undefined])[], base?: Dependence) {
  const space = inputSpace('test', BASE, base);
  const members = [
    memberOf('inputs', space, space),
    ...others.map(([inputs, dependence], l) =>
      memberOf(`laws.l${l}`, inputSpace('test', { ...BASE, ...inputs }, dependence ?? base), space),
    ),
  ];
  return { space, members };
}

test('lawFamily(): ratios are differences of densities, under one dependence, several, or none', () => {
  const strong = gaussianCopula([
    [1, 0.5, 0],
    [0.5, 1, 0.2],
    [0, 0.2, 1],
  ]);
  const others = [
    [{ a: logNormal(0.2, 0.4) }, undefined],
    [{ b: uniform(0.5, 1) }, undefined],
    [{ c: normal(0, 1) }, strong],
    [{}, strong],
  ] as const;
  for (const base of [undefined, copula]) {
    const { members } = family(others, base);
    checkRatios('test', members);
    const laws = lawFamily(members);
    const n = 60;
    const x = grid(n, 3).map((u, i) => (i % 3 === 2 ? 6 * u - 2 : 2 * u));
    const [ratio, density] = [new Float64Array(n * 5), new Float64Array(n * 5)];
    laws.logRatio(x, n, ratio);
    laws.logDensity(x, n, density);
    const alone = new Float64Array(n);
    members.forEach(({ space }, l) => {
      jointLaw('test', space).logDensity(x, alone);
      for (let i = 0; i < n; i++) {
        expect(Math.exp(density[i * 5 + l]!)).toBeCloseTo(Math.exp(alone[i]!), 10);
        const apart = density[i * 5 + l]! - density[i * 5]!;
        if (Number.isFinite(apart)) expect(ratio[i * 5 + l]).toBeCloseTo(apart, 10);
        else expect(ratio[i * 5 + l]).toBe(-Infinity);
      }
    });
  }
});

test('lawFamily(): points of a law as normals become that law where the normals become inputs', () => {
  const others = [
    [{ a: logNormal(0.2, 0.4), c: normal(0, 1) }, undefined],
    [{ b: beta(2, 2) }, gaussianCopula(RHO.map((row) => row.map((r) => (r === 1 ? 1 : -r / 2))))],
  ] as const;
  for (const base of [undefined, copula]) {
    const { space, members } = family(others, base);
    const laws = lawFamily(members);
    const u = grid(50, 3);
    for (let l = 0; l < 3; l++) {
      const [z, x, direct] = [u.slice(), new Float64Array(150), new Float64Array(150)];
      laws.toNormals(l, z, z);
      toInputs(space, z, 50, x);
      members[l]!.space.transport(u, direct, 50);
      x.forEach((value, i) => void expect(value).toBeCloseTo(direct[i]!, 9));
    }
  }
});

test('lawFamily(): a discrete input keeps its values, and its normals fill their steps evenly', () => {
  const [base, other] = [poisson(3), poisson(5)];
  const space = inputSpace('test', { k: base });
  const changed = inputSpace('test', { k: other });
  const laws = lawFamily([memberOf('inputs', space, space), memberOf('laws.more', changed, space)]);
  const n = 8000;
  const u = Float64Array.from({ length: n }, (_, i) => (i + 0.5) / n);
  const [z, x] = [u.slice(), new Float64Array(n)];
  laws.toNormals(1, z, z);
  toInputs(space, z, n, x);
  expect(x.reduce((sum, value) => sum + value, 0) / n).toBeCloseTo(5, 3);
  // The same two moments of z by the ratio, integrated against the normal density.
  const step = 2 ** -9;
  const nodes = Float64Array.from({ length: 16 * 2 ** 9 }, (_, k) => -8 + step * (k + 0.5));
  const [values, ratio] = [new Float64Array(nodes.length), new Float64Array(2 * nodes.length)];
  toInputs(space, nodes, nodes.length, values);
  laws.logRatio(values, nodes.length, ratio);
  for (const power of [0, 1, 2]) {
    let integral = 0;
    nodes.forEach((s, i) => {
      integral += (step / Math.sqrt(2 * Math.PI)) * Math.exp(ratio[2 * i + 1]! - 0.5 * s * s) * s ** power;
    });
    expect(z.reduce((sum, s) => sum + s ** power, 0) / n).toBeCloseTo(integral, 2);
  }
});

test('checkRatios(): laws that law 0 cannot stand for are refused', () => {
  const refused = (inputs: Inputs, law: Inputs, dependence?: Dependence, base?: Dependence) => () => {
    const space = inputSpace('test', inputs, base);
    const other = inputSpace('test', { ...inputs, ...law }, dependence ?? base);
    checkRatios('test', [memberOf('inputs', space, space), memberOf('laws.other', other, space)]);
  };
  const two = { a: uniform(0, 1), k: poisson(2) };
  const half = gaussianCopula([
    [1, 0.5],
    [0.5, 1],
  ]);
  const bare: Dependence = { dimension: 2, transport: () => {}, linked: () => true };
  expect(refused(two, { a: uniform(0, 2) })).toThrow(/laws\.other\.a.*reaches 2.*Widen/);
  expect(refused(two, { a: normal(0, 1) })).toThrow(/reaches -Infinity/);
  expect(refused(two, { a: poisson(1) })).toThrow(/never is/);
  expect(refused(two, { k: poisson(40) })).not.toThrow();
  expect(refused({ k: categorical([1, 2]) }, { k: categorical([1, 1e-9, 3]) })).toThrow(
    /reaches 2|reaches 1/,
  );
  expect(refused(two, {}, half)).toThrow(/discrete and depends on other inputs/);
  expect(refused({ a: uniform(0, 1), b: uniform(0, 1) }, {}, bare)).toThrow(/no density/);
  expect(refused({ a: uniform(0, 1), b: uniform(0, 1) }, {}, half, bare)).toThrow(/no density/);
  expect(refused({ a: uniform(0, 1), b: uniform(0, 1) }, {}, half)).not.toThrow();
});
