import { log } from '../../../engine/wasm/twins/elementary.ts';

/*
 * Potentials G_s of a path from what the reward says of its estimates, r_s = gamma_s lambda r(xhat_s), at the steps that
 * look; their product over the path is exp(lambda r(x_0)), whatever the estimates were worth.
 *
 * | kind | on the way | at the end, r_N = lambda r(x_0) |
 * |---|---|---|
 * | difference | r_s - r_before, r_before = 0 at first | r_N - r_before |
 * | max | m_s = max of r up to s | r_N - sum of the log potentials so far |
 * | sum | sum of r up to s | the same |
 *
 * An estimate of reward -Infinity says nothing: log G = 0, and the path goes on as if the step had not looked.
 *
 * The public code of FK steering differs: at the end max and sum take r_N with the history, so that its targets are
 * p exp(max r) and p exp(sum r); history starts at 0; potentials end at 1e10; the product counts only potentials that were
 * resampled by.
 */

export type PotentialKind = 'none' | 'difference' | 'max' | 'sum';

/** Numbers that a particle remembers: r_before (or the maximum, or the sum), the sum of log potentials, the last one. */
export const MEMORY = 3;

/** The largest log potential of the public code. */
const MOST = log(1e10);

/** Memory of a particle that has not looked yet. */
export function firstMemory(kind: PotentialKind, isPublic: boolean): readonly [number, number, number] {
  return [kind === 'max' && !isPublic ? -Infinity : 0, 0, 0];
}

/**
 * log G of a particle that has looked, on the way or at the end.
 * @param r gamma lambda r of its estimate, or lambda r of the particle itself `atEnd`; -Infinity is a value.
 * @param memory [n, 3], of which the row from `at` on is read and written.
 */
export function logPotential(
  kind: PotentialKind,
  r: number,
  atEnd: boolean,
  memory: Float64Array,
  at: number,
): number {
  if (kind === 'none') return 0;
  if (atEnd) return r - (kind === 'difference' ? memory[at]! : memory[at + 1]!);
  if (r === -Infinity) return 0;
  const before = memory[at]!;
  memory[at] = kind === 'difference' ? r : kind === 'max' ? Math.max(before, r) : before + r;
  const g = kind === 'difference' ? r - before : memory[at]!;
  memory[at + 1] = memory[at + 1]! + g;
  return g;
}

/**
 * The same as the public code has it.
 * @param counted whether the potential before was resampled by.
 */
export function publicPotential(
  kind: PotentialKind,
  r: number,
  atEnd: boolean,
  counted: boolean,
  memory: Float64Array,
  at: number,
): number {
  const before = memory[at]!;
  const spent = memory[at + 1]! + (counted ? memory[at + 2]! : 0);
  const now = kind === 'max' ? Math.max(before, r) : kind === 'sum' ? before + r : r;
  const plain = kind === 'difference' ? now - before : atEnd ? now - spent : now;
  // -Infinity less -Infinity counts as no weight there.
  const g = Number.isNaN(plain) ? -Infinity : Math.min(plain, MOST);
  memory[at] = now;
  memory[at + 1] = spent;
  memory[at + 2] = g;
  return g;
}
