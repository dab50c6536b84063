import { checkCount, checkOneOf, checkOptionNames, show } from '../../../engine/check.ts';
import { digest } from '../../../engine/digest.ts';
import { OptionError } from '../../../engine/errors.ts';
import type { KernelChoice } from '../../../engine/kernel/kernel.ts';
import { randomWalk } from '../../../engine/kernel/random-walk.ts';
import { checkMoveCount, type Repetition } from '../../../engine/kernel/repeat.ts';
import type { SchemeName } from '../../../engine/particles/resampling/scheme.ts';
import { RESAMPLING_SCHEMES, SCHEME_NAMES } from '../../../engine/particles/resampling/schemes.ts';
import { checkSmcMemory } from '../../../engine/particles/smc/memory.ts';
import { makeTrigger, type TriggerOptions } from '../../../engine/particles/trigger.ts';
import { movingFields } from './moving.ts';
import { type OpenedPrior, openPrior } from './prior.ts';
import type { FrozenSchedule, PopulationOptions } from './types.ts';

/** Checked options of a sampler of moving populations, with their defaults. */
export interface PopulationPlan {
  readonly where: string;
  readonly prior: OpenedPrior;
  readonly particles: number;
  readonly runs: number;
  readonly choice: KernelChoice;
  readonly moveCount: Repetition;
  /** M; N without waste-free chains. */
  readonly chains: number;
  readonly tune: boolean;
  readonly finalMoves: number;
  readonly scheme: SchemeName;
  readonly trigger: TriggerOptions;
  readonly frozen: FrozenSchedule | undefined;
  /** Whether exp of the log normalizer has the right mean, when the targets are fixed. */
  readonly unbiasedMoves: boolean;
  /** What must agree between a snapshot and the method that resumes it. */
  readonly fingerprint: string;
}

/** The options of all samplers of moving populations. */
export const POPULATION_OPTIONS: Readonly<Record<keyof PopulationOptions, true>> = {
  prior: true,
  particles: true,
  runs: true,
  moves: true,
  moveCount: true,
  chains: true,
  tune: true,
  finalMoves: true,
  scheme: true,
  threshold: true,
  measure: true,
};

export interface PopulationDefaults {
  readonly threshold: number;
  /** Options of the method, by name. */
  readonly known: readonly string[];
  /** Where the likelihood comes from. */
  readonly source: unknown;
  /** Those of its own that change its numbers. */
  readonly digest: unknown;
}

/** @throws OptionError for the first option that cannot be used. */
export function checkPopulation(
  where: string,
  options: PopulationOptions & { readonly schedule?: FrozenSchedule },
  defaults: PopulationDefaults,
): PopulationPlan {
  checkOptionNames(where, options, defaults.known);
  const prior = openPrior(where, options.prior);
  const n = checkCount(where, 'particles', options.particles ?? 1024, { min: 2, max: 2 ** 30 });
  const runs = checkCount(where, 'runs', options.runs ?? 1, { min: 1, max: 2 ** 20 });
  const choice = checkKernel(where, options.moves ?? randomWalk());
  const { law } = prior;
  // A function of a batch has no gradient; other sources tell when they are opened.
  const gradient = typeof defaults.source === 'function' ? false : undefined;
  choice.check?.({ where, dimension: law.dimension, prior: law, gradient });
  const chains = checkChains(where, n, options.chains);
  if (options.moveCount !== undefined && chains < n)
    throw notWithChains(where, 'moveCount', options.moveCount);
  const moveCount = checkMoveCount(where, 'moveCount', options.moveCount ?? 'acceptance');
  const finalMoves = checkCount(where, 'finalMoves', options.finalMoves ?? 0, { min: 0 });
  if (finalMoves > 0 && chains < n) throw notWithChains(where, 'finalMoves', finalMoves);
  const scheme = checkOneOf(where, 'scheme', options.scheme ?? 'systematic', SCHEME_NAMES);
  const trigger = {
    threshold: options.threshold ?? defaults.threshold,
    measure: options.measure ?? ('ess' as const),
  };
  makeTrigger(where, trigger);
  const fields = movingFields(law.dimension, choice.needs === 'gradient');
  checkSmcMemory(where, { fields, particles: n, runs, scheme });
  const frozen = checkSchedule(where, options.schedule);
  const tune = checkFlag(where, 'tune', options.tune ?? true);
  const numbers = [n, runs, moveCount, chains, tune, finalMoves, scheme, trigger];
  const kernel = [choice.name, choice.options];
  const fixed = frozen !== undefined || (!tune && (moveCount.until === 'count' || chains < n));
  return {
    where,
    prior,
    particles: n,
    runs,
    choice,
    moveCount,
    chains,
    tune,
    finalMoves,
    scheme,
    trigger,
    frozen,
    unbiasedMoves: fixed && RESAMPLING_SCHEMES[scheme].unbiased,
    fingerprint: digest(
      JSON.stringify([where, prior.digest, numbers, kernel, frozen ?? null, defaults.digest]),
    ),
  };
}

function checkKernel(where: string, choice: unknown): KernelChoice {
  if ((choice as { readonly kind?: unknown } | null)?.kind === 'markov-kernel') return choice as KernelChoice;
  throw new OptionError({
    where,
    option: 'moves',
    value: choice,
    found: `option \`moves\` is ${show(choice)}`,
    expected: 'a kernel such as randomWalk()',
  });
}

function checkChains(where: string, n: number, chains: number | undefined): number {
  if (chains === undefined) return n;
  checkCount(where, 'chains', chains, { min: 1, max: Math.floor(n / 2) });
  if (n % chains === 0) return chains;
  throw new OptionError({
    where,
    option: 'chains',
    value: chains,
    found: `option \`chains\` is ${chains} with ${n} particles`,
    expected: 'a divisor of the number of particles',
    fix: `Try particles: ${chains * Math.ceil(n / chains)}.`,
  });
}

function checkFlag(where: string, option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected: 'true or false',
  });
}

function checkSchedule(where: string, schedule: FrozenSchedule | undefined): FrozenSchedule | undefined {
  if (schedule === undefined) return undefined;
  const { targets, moves, tuning } = schedule ?? {};
  const rows = [targets, moves, tuning].map((array) => (Array.isArray(array) ? array.length : 0));
  const whole = rows[0]! > 0 && rows.every((length) => length === rows[0]);
  const rising = (value: unknown, i: number): boolean => Number(value) >= (i === 0 ? 0 : targets![i - 1]!);
  const usable = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0;
  if (whole && targets!.every(Number.isFinite) && targets!.every(rising) && moves!.every(usable)) {
    if (tuning!.every((saved) => saved !== null && typeof saved === 'object')) return schedule;
  }
  throw new OptionError({
    where,
    option: 'schedule',
    value: schedule,
    found: `option \`schedule\` is ${show(schedule)}`,
    expected: '`schedule` of a finished result of the same method',
  });
}

function notWithChains(where: string, option: string, value: unknown): OptionError {
  return new OptionError({
    where,
    option,
    value,
    found: `option \`${option}\` is ${show(value)} with \`chains\``,
    expected: `no \`${option}\`: chains of particles / chains states are the moves`,
  });
}
