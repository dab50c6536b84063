import { OptionError } from '../errors.ts';
import { exponentialTilt } from '../math/exponential-tilt.ts';
import { categorical } from './categorical.ts';
import { type Law, upperQuantile } from './law.ts';
import { nextAtom } from './moments.ts';
import { perturbedName } from './perturbed-name.ts';

const MOST_ATOMS = 100_000;
/** Tail probability beyond which atoms are left out. */
const TAIL = 1e-300;
const NEGLIGIBLE = 20;

/** A discrete law tilted to new moments: its atoms with other masses; undefined when no tilt has them. */
export function perturbedAtoms(law: Law, mean: number, variance: number | undefined): Law | undefined {
  const atoms = atomsOf(law);
  const logMass = atoms.map((x) => law.logDensity(x));
  const scale = Math.sqrt(law.variance) || 1;
  const y = atoms.map((x) => (x - law.mean) / scale);
  const first = (mean - law.mean) / scale;
  const second = variance === undefined ? undefined : first * first + variance / (scale * scale);
  const ends = [
    law.support[0] === -Infinity ? [0] : [],
    law.support[1] === Infinity ? [y.length - 1] : [],
  ].flat();
  const admissible = (tilted: Float64Array): boolean => {
    const most = tilted.reduce((a, b) => Math.max(a, b), -Infinity);
    return ends.every((i) => tilted[i]! < most - NEGLIGIBLE);
  };
  const tilt = exponentialTilt(y, logMass, [first, second], admissible);
  if (tilt === undefined) return undefined;
  const [l1, l2] = tilt.multipliers;
  const weights = Array.from(y, (at, i) => Math.exp(logMass[i]! + at * (l1 + l2 * at) - tilt.logNormalizer));
  return { ...categorical(weights, [...atoms]), ...perturbedName(law, mean, variance, '') };
}

function atomsOf(law: Law): Float64Array {
  const found: number[] = [];
  const end = Math.min(law.support[1], upperQuantile(law, TAIL));
  for (let x = Math.max(law.support[0], law.quantile(TAIL)); x <= end; x = nextAtom(law, x)) {
    found.push(x);
    if (found.length > MOST_ATOMS) throw tooMany(law);
  }
  return Float64Array.from(found);
}

function tooMany(law: Law): OptionError {
  return new OptionError({
    where: 'perturbed',
    option: 'law',
    value: law.describe(),
    found: `${law.describe()} has more than ${MOST_ATOMS} values`,
    expected: 'fewer, or a law that stays in its family',
    fix: 'Use a continuous law with the same moments.',
  });
}
