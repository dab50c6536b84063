import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { normalCdf } from '../math/erfc.ts';
import { normalQuantile } from '../wasm/twins/normal.ts';
import type { InputSpace } from './inputs.ts';
import { checkDensity, checkDependenceDensity, linkedInputs, normalScore } from './joint-parts.ts';
import { type Law, upperQuantile } from './law.ts';
import { BLOCK, isNormal, readsLog, rowDensity } from './law-density.ts';
import { nextAtom } from './moments.ts';
import { type NormalForms, normalForms } from './normal-forms.ts';

/**
 * L laws of the same d inputs, of which most share most of their marginals.
 *
 * | symbol | name here | shape |
 * |---|---|---|
 * | log f_l(x) | logDensity | [n, L] |
 * | log f_l(x) - log f_0(x) | logRatio | [n, L] |
 * | z, x = T_0(z) | z | [n, d] standard normals under f_0 |
 *
 * A ratio only sees the marginals that differ, and the dependences where they or their marginals do, so that what the
 * laws have in common needs no density.
 */
export interface LawFamily {
  /** L */
  readonly laws: number;
  /** log f_l - log f_0 at inputs x [n, d]; column 0 is 0, -Infinity where f_l is 0. */
  logRatio(x: Float64Array, n: number, out: Float64Array): void;
  /** log f_l at inputs x [n, d]; -Infinity where f_l is 0. */
  logDensity(x: Float64Array, n: number, out: Float64Array): void;
  /** The forms of what `logRatio` sees, where all laws have one. */
  readonly ratioForms: NormalForms | undefined;
  /** The forms of what `logDensity` sees, where all laws have one. */
  readonly densityForms: NormalForms | undefined;
  /** Points of law l from uniforms u [n, d], as the standard normals z [n, d] that law 0 makes inputs of; `z` may be `u`. */
  toNormals(law: number, u: Float64Array, z: Float64Array): void;
}

/** A law of the family and how messages call it. */
export interface Member {
  readonly option: string;
  readonly space: InputSpace;
  /** [d] 1 where the marginal is not that of law 0. */
  readonly changed: Uint8Array;
  /** Whether its dependence, as a function of x, is another one. */
  readonly other: boolean;
}

/** Law `space` beside the first one. */
export function memberOf(option: string, space: InputSpace, base: InputSpace): Member {
  const changed = Uint8Array.from(space.laws, (law, c) => (sameLaw(law, base.laws[c]!) ? 0 : 1));
  const linked = [linkedInputs(base), linkedInputs(space)];
  const other =
    space.dependence !== base.dependence
      ? linked.some((flags) => flags.includes(1))
      : changed.some((flag, c) => flag === 1 && linked[0]![c] === 1);
  return { option, space, changed, other };
}

function sameLaw(a: Law, b: Law): boolean {
  return (
    a === b ||
    (a.describe() === b.describe() && JSON.stringify(a.parameters) === JSON.stringify(b.parameters))
  );
}

/** Densities of laws that `checkRatios` or `checkJointDensity` has accepted; the first is law 0. */
export function lawFamily(members: readonly Member[]): LawFamily {
  const base = members[0]!.space;
  const all = Array.from({ length: base.dimension }, (_, c) => c);
  const tied = members.some(({ other }) => other);
  const bound = members.map(({ space }) => linkedInputs(space));
  const differing = all.filter(
    (c) => members.some(({ changed }) => changed[c] === 1) || (tied && bound.some((flags) => flags[c] === 1)),
  );
  const absolute = blockDensities(members, all, true);
  const relative = blockDensities(members, differing, tied);
  const L = members.length;
  const spaces = members.map(({ space }) => space);
  return {
    laws: L,
    ratioForms: normalForms(spaces, differing, tied),
    densityForms: normalForms(spaces, all, true),
    logDensity: absolute,
    logRatio: (x, n, out) => {
      relative(x, n, out);
      for (let i = 0; i < n; i++) {
        const first = out[i * L]!;
        for (let l = 1; l < L; l++) out[i * L + l] = finiteOrDead(out[i * L + l]! - first);
        out[i * L] = 0;
      }
    },
    toNormals: (law, u, z) => toNormals(members[law]!, base, u, z),
  };
}

/** log densities of the given columns under every law, a block of rows at a time. */
function blockDensities(
  members: readonly Member[],
  columns: readonly number[],
  tied: boolean,
): (x: Float64Array, n: number, out: Float64Array) => void {
  const L = members.length;
  const { dimension: d, laws } = members[0]!.space;
  const each = members.map(({ space, changed }) => rowDensity(space, columns, tied, changed));
  const logarithmic = columns.filter((c) => members.some(({ space }) => readsLog(space.laws[c]!)));
  const curved = columns.filter((c) => !isNormal(laws[c]!));
  const room = (wanted: readonly number[]): readonly Float64Array[] =>
    laws.map((_, c) => new Float64Array(wanted.includes(c) ? BLOCK : 0));
  const scratch = { log: new Float64Array(BLOCK), white: new Float64Array(BLOCK), score: room(columns) };
  const rows = { columns: room(columns), logs: room(logarithmic), shared: room(curved), ...scratch };
  return (x, n, out) => {
    for (let from = 0; from < n; from += BLOCK) {
      const size = Math.min(BLOCK, n - from);
      const block = x.subarray(from * d, (from + size) * d);
      for (const c of columns) for (let i = 0; i < size; i++) rows.columns[c]![i] = block[i * d + c]!;
      for (const c of logarithmic) {
        for (let i = 0; i < size; i++) rows.logs[c]![i] = Math.log(block[i * d + c]!);
      }
      for (const c of curved) {
        for (let i = 0; i < size; i++) rows.shared[c]![i] = laws[c]!.logDensity(block[i * d + c]!);
      }
      const part = out.subarray(from * L, (from + size) * L);
      const current = { ...rows, n: size, x: block };
      each.forEach((density, l) => void density(current, part, l, L));
      for (let at = 0; at < size * L; at++) part[at] = finiteOrDead(part[at]!);
    }
  };
}

/** A density that is infinite at a point, or infinite over infinite, has no say there: such points have probability 0. */
function finiteOrDead(log: number): number {
  return Number.isFinite(log) ? log : -Infinity;
}

function toNormals(
  { space, changed, other }: Member,
  base: InputSpace,
  u: Float64Array,
  z: Float64Array,
): void {
  const d = base.dimension;
  const n = u.length / d;
  if (other) {
    space.transport(u, z, n);
    for (let c = 0; c < d; c++) {
      const law = base.laws[c]!;
      for (let i = c; i < n * d; i += d) z[i] = normalScore(law, z[i]!);
    }
    base.dependence?.decorrelate?.(z, n);
    return;
  }
  for (let c = 0; c < d; c++) {
    const [from, to] = [space.laws[c]!, base.laws[c]!];
    const score =
      changed[c] === 0
        ? normalQuantile
        : from.discrete
          ? (p: number) => scoreOfAtom(from, to, p)
          : (p: number) => normalScore(to, p <= 0.5 ? from.quantile(p) : upperQuantile(from, 1 - p));
    for (let i = c; i < n * d; i += d) z[i] = score(u[i]!);
  }
}

/** A normal score at which law `to` has the value that law `from` has at uniform p, as far into its step as p was. */
function scoreOfAtom(from: Law, to: Law, p: number): number {
  const x = from.quantile(p);
  const mass = Math.exp(from.logDensity(x));
  const into = Math.min(1, Math.max(0, (p - (from.cdf(x) - mass)) / mass));
  const v = to.cdf(x) - Math.exp(to.logDensity(x)) * (1 - into);
  const limit = normalCdf(-8);
  return normalQuantile(Math.min(1 - limit, Math.max(limit, v)));
}

/**
 * Whether ratios to law 0 exist and points of a law can be had as normals.
 * @throws OptionError when a marginal that differs has no density, or law 0 is 0 where it is not, or a dependence that
 * matters has no density or cannot be undone, or discrete inputs are in it.
 */
export function checkRatios(where: string, members: readonly Member[]): void {
  const base = members[0]!;
  for (const member of members) {
    const { option, space, changed, other } = member;
    space.laws.forEach((law, c) => {
      const name = space.names[c]!;
      if (changed[c] === 0) return;
      checkDensity(where, law, `${option}.${name}`);
      checkDensity(where, base.space.laws[c]!, `${base.option}.${name}`);
      checkCovered(where, `${option}.${name}`, law, base.space.laws[c]!);
    });
    if (!other) continue;
    for (const one of [base, member]) {
      checkDependenceDensity(where, one.space, one.option);
      checkLinkedContinuous(where, one);
    }
    const { dependence } = base.space;
    if (dependence !== undefined && dependence.decorrelate === undefined)
      throw noInverse(where, base.option, dependence);
  }
}

/** Quantiles of a continuous law, or atoms of a discrete one, at which another law is asked whether it has them too. */
const PROBES = 256;
const ATOMS = 4096;

function checkCovered(where: string, option: string, law: Law, base: Law): void {
  const outside = law.discrete === base.discrete ? firstOutside(law, base) : law.quantile(0.5);
  if (outside === undefined) return;
  throw new OptionError({
    where,
    option,
    value: law,
    found: `\`${option}\` (${law.describe()}) reaches ${outside}, where \`inputs\` (${base.describe()}) never is`,
    expected: 'a law of values that `inputs` can have',
    fix: "Widen the law in `inputs`, or use space: 'inputs'.",
  });
}

/** A value of `law` that `base` does not have; undefined when none was found. */
function firstOutside(law: Law, base: Law): number | undefined {
  if (law.discrete) return atomsOf(law).find((x) => base.logDensity(x) === -Infinity);
  const [low, high] = base.support;
  const ends = law.support.find((x) => x < low || x > high);
  // Between its ends a normal or log-normal law is above 0 everywhere.
  if (ends !== undefined || isNormal(base)) return ends;
  const inner = Array.from({ length: PROBES - 1 }, (_, k) => law.quantile((k + 1) / PROBES));
  return inner.find((x) => base.logDensity(x) === -Infinity);
}

/** Values of a discrete law from the smallest on, all or the first 4096. */
function atomsOf(law: Law): readonly number[] {
  const atoms: number[] = [];
  for (let x = law.quantile(0); Number.isFinite(x) && atoms.length < ATOMS; x = nextAtom(law, x))
    atoms.push(x);
  return atoms;
}

function checkLinkedContinuous(where: string, { option, space }: Member): void {
  const linked = linkedInputs(space);
  const c = space.laws.findIndex((law, i) => law.discrete && linked[i] === 1);
  if (c < 0) return;
  throw new OptionError({
    where,
    option: `${option}.${space.names[c]!}`,
    value: space.laws[c],
    found: `\`${option}.${space.names[c]!}\` is discrete and depends on other inputs, which gives it no joint density`,
    expected: 'continuous laws for inputs that depend on each other, where laws differ',
  });
}

function noInverse(where: string, option: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option: `${option}: dependence`,
    value,
    found: `the dependence of \`${option}\` is ${show(value)}, which cannot be undone`,
    expected: 'a dependence with a function `decorrelate`, such as gaussianCopula(...)',
    fix: "Use gaussianCopula, or space: 'inputs'.",
  });
}
