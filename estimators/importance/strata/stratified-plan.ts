import { checkCount, checkNumber, checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import type { InputSpace } from '../../../engine/distribution/inputs.ts';
import { OptionError } from '../../../engine/errors.ts';
import { checkPlan, type Plan } from '../plain/monte-carlo-plan.ts';
import { makeStrata, type Strata } from './strata.ts';
import type { StratifiedOptions } from './stratified-types.ts';

/** Points a stratum needs for a standard deviation. */
export const FEWEST: 2 = 2;

/** Checked options. */
export interface StratifiedPlan extends Plan {
  readonly strata: Strata;
  readonly allocation: 'proportional' | 'neyman';
  /** Points of the pilot stage; 0 without one. */
  readonly pilot: number;
}

const OPTIONS: Readonly<Record<keyof StratifiedOptions, true>> = {
  model: true,
  inputs: true,
  dependence: true,
  outputs: true,
  points: true,
  probabilities: true,
  level: true,
  strata: true,
  allocation: true,
  pilot: true,
  missing: true,
};

/** @throws OptionError for the first option that cannot be used. */
export function checkStratifiedPlan(where: string, options: StratifiedOptions): StratifiedPlan {
  checkOptionNames(where, options, Object.keys(OPTIONS));
  const { strata: cuts, allocation: way, pilot: asked, ...rest } = options;
  if ((rest.missing as unknown) === 'drop-row')
    throw wrong(
      where,
      'missing',
      rest.missing,
      "'error' or a number: without some points strata have other probabilities",
    );
  const plan = checkPlan(where, { ...rest, design: 'iid', replicates: 1 });
  const strata = checkStrata(where, plan.space, cuts, plan.points);
  const allocation = checkOneOf(where, 'allocation', way ?? 'proportional', ['proportional', 'neyman']);
  const need = FEWEST * strata.count;
  if (allocation === 'proportional' && asked !== undefined)
    throw wrong(where, 'pilot', asked, "no pilot but with allocation: 'neyman'");
  const pilot = allocation === 'proportional' ? 0 : checkPilot(where, asked, need, plan.points);
  if (plan.points - pilot < need) {
    throw tooMany(where, strata.count, plan.points - pilot, plan.points, need + pilot);
  }
  const fingerprint = JSON.stringify([plan.fingerprint, cuts, allocation, pilot]);
  return { ...plan, strata, allocation, pilot, fingerprint };
}

function tooMany(where: string, strata: number, left: number, points: number, enough: number): OptionError {
  return new OptionError({
    where,
    option: 'points',
    value: points,
    found: `there are ${strata} strata for ${left} points`,
    expected: `at least ${FEWEST} points for each stratum`,
    fix: `Try points: ${enough}.`,
  });
}

function checkPilot(where: string, asked: number | undefined, need: number, points: number): number {
  if (asked !== undefined && asked >= points)
    throw wrong(where, 'pilot', asked, `fewer than all ${points} points`);
  return checkCount(where, 'pilot', asked ?? Math.max(need, Math.floor(points / 8)), { min: need });
}

function checkStrata(
  where: string,
  space: InputSpace,
  cuts: StratifiedOptions['strata'] | undefined,
  points: number,
): Strata {
  checkOptionNames(`${where}: strata`, cuts, space.names);
  const named = Object.entries(cuts ?? {});
  if (named.length === 0) throw wrong(where, 'strata', cuts, 'at least one input, such as { x: 10 }');
  const columns = named.map(([name]) => space.names.indexOf(name));
  const { dependence } = space;
  for (const c of columns) {
    const other = space.names.findIndex((_, i) => i !== c && dependence?.linked(c, i) === true);
    if (other < 0) continue;
    throw new OptionError({
      where,
      option: `strata.${space.names[c]}`,
      value: space.names[c],
      found: `input \`${space.names[c]}\` depends on \`${space.names[other]}\``,
      expected: 'strata of independent inputs',
    });
  }
  const parts = named.map(([name, cut]) =>
    Array.isArray(cut) ? cut.length + 1 : checkCount(where, `strata.${name}`, cut, { min: 2, max: 2 ** 24 }),
  );
  const count = parts.reduce((product, own) => product * own, 1);
  // Before any of them is laid out.
  if (FEWEST * count > points) throw tooMany(where, count, points, points, FEWEST * count);
  return makeStrata(
    columns,
    named.map(([name, cut]) => edgesOf(where, `strata.${name}`, cut)),
  );
}

function edgesOf(where: string, option: string, cut: unknown): readonly number[] {
  if (!Array.isArray(cut)) {
    const parts = checkCount(where, option, cut, { min: 2, max: 2 ** 24 });
    return Array.from({ length: parts - 1 }, (_, i) => (i + 1) / parts);
  }
  const expected = 'a count, or probabilities between 0 and 1, each above the one before';
  if (cut.length === 0) throw wrong(where, option, cut, expected);
  cut.forEach((edge, i) => {
    checkNumber(where, `${option}[${i}]`, edge, (x) => x > (i === 0 ? 0 : cut[i - 1]) && x < 1, expected);
  });
  return cut;
}

function wrong(where: string, option: string, value: unknown, expected: string): OptionError {
  return new OptionError({ where, option, value, found: `option \`${option}\` is ${show(value)}`, expected });
}
