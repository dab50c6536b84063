import type { Backend } from '../backend/backend.ts';
import { show } from '../check.ts';
import { OptionError } from '../errors.ts';
import { growing } from '../model/host-rows.ts';
import { type LogDensity, type LogDensitySource, openLogDensity } from '../model/log-density.ts';
import { STEP, slope } from '../model/numeric-gradient.ts';
import type { Place } from '../model/place.ts';
import { isReward, type Reward, type RewardLike } from './reward.ts';

export interface OpenRewardOptions {
  /** Name used in messages: 'steering'. */
  readonly where: string;
  readonly reward: RewardLike;
  /** d */
  readonly dimension: number;
  /** Evaluations planned in all, by which the backend decides whether a graphics card pays. */
  readonly planned: number;
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** A reward in use: counted and checked. */
export interface OpenReward {
  readonly dimension: number;
  /** Whether gradients are central differences, at 2 d + 1 evaluations a row, because the reward came without. */
  readonly differences: boolean;
  /** Rows evaluated so far, those of differences included. */
  readonly evaluations: number;
  /** Where it runs and why, for provenance. */
  readonly place: Place;
  /**
   * r of rows 0..n-1 of `x` [n, d] into `out` [n], and where it is given the gradient into `gradient` [n, d], 0 where r
   * is -Infinity. `x` is from an arena of the backend.
   * @throws ValueError naming the first row where it is NaN or +Infinity, with the point; ModelError when it throws; the
   * signal's reason when aborted.
   */
  evaluate(x: Float64Array, n: number, out: Float64Array, gradient?: Float64Array): Promise<void>;
  /** Give memory back. */
  dispose(): void;
}

/**
 * Open a reward. When a run is resumed, `evaluations` starts at `done`.
 * @throws OptionError when it is of no known form; ModelError when its module cannot be loaded.
 */
export async function openReward(options: OpenRewardOptions, done = 0): Promise<OpenReward> {
  const { where, reward, backend, dimension: d } = options;
  const source = sourceOf(where, reward);
  const density = await openLogDensity({ ...options, option: 'reward', source }, done);
  const differences = centralDifferences(density, d, backend);
  return {
    dimension: d,
    differences: !density.gradient,
    get evaluations() {
      return density.evaluations;
    },
    place: density.place,
    async evaluate(x, n, out, gradient) {
      if (gradient === undefined) return density.evaluate(x, n, out);
      if (!density.gradient) return differences.fill(x, n, out, gradient);
      await density.evaluate(x, n, out, gradient);
      for (let i = 0; i < n; i++) if (out[i] === -Infinity) gradient.fill(0, i * d, (i + 1) * d);
    },
    dispose() {
      differences.release();
      density.dispose();
    },
  };
}

function sourceOf(where: string, reward: RewardLike): LogDensitySource {
  if (reward === undefined || reward === null) throw noReward(where, reward);
  if (!isReward(reward)) return reward;
  const { value } = reward;
  // Called on the reward itself, which may be an object with a state of its own.
  if (reward.gradient === undefined) return (x, out) => value.call(reward, x, out);
  return {
    logDensity: (x, out) => value.call(reward, x, out),
    gradient: (x, out, gradient) => reward.gradient!(x, out, gradient),
  };
}

/**
 * @throws OptionError unless a reward could be one, and where its form is known is one of d numbers: of those that are,
 * `openReward` tells more.
 */
export function checkReward(where: string, reward: unknown, d: number): RewardLike {
  const kind = (reward as { kind?: unknown } | null | undefined)?.kind;
  const density = (reward as { logDensity?: unknown } | null | undefined)?.logDensity;
  if (typeof reward === 'function' && reward.length === 1)
    throw noReward(where, reward, 'Of single points: reward: pointwise((x) => ...).');
  if (typeof reward === 'function' || isReward(reward) || kind !== undefined || density !== undefined) {
    if (isReward(reward)) checkWidth(where, reward, d);
    return reward as RewardLike;
  }
  throw noReward(where, reward);
}

function checkWidth(where: string, { form, name = 'the reward' }: Reward, d: number): void {
  if (form === undefined) return;
  const { length } = form.kind === 'linear' ? form.slope : form.center;
  if (length === d) return;
  throw new OptionError({
    where,
    option: 'reward',
    value: form,
    found: `${name} is of ${length} numbers`,
    expected: `${d}, as the denoiser`,
  });
}

function noReward(
  where: string,
  value: unknown,
  fix = 'Try reward: pointwise((x) => ...), or linearReward([1, 0]).',
): OptionError {
  return new OptionError({
    where,
    option: 'reward',
    value,
    found: `option \`reward\` is ${show(value)}${typeof value === 'function' ? ' of one argument' : ''}`,
    expected: 'a reward { value(x, out), gradient?(x, out, gradient) }, or a model of one output',
    fix,
  });
}

/** Gradients from values two steps apart along each coordinate; one-sided where one side has no mass. */
function centralDifferences(
  density: LogDensity,
  d: number,
  backend: Backend,
): {
  fill(x: Float64Array, n: number, out: Float64Array, gradient: Float64Array): Promise<void>;
  release(): void;
} {
  const room = growing(backend);
  return {
    async fill(x, n, out, gradient) {
      const all = room.room(n * (d + 2));
      const moved = all.subarray(0, n * d);
      const above = all.subarray(n * d, n * (d + 1));
      const below = all.subarray(n * (d + 1));
      await density.evaluate(x, n, out);
      moved.set(x.subarray(0, n * d));
      for (let c = 0; c < d; c++) {
        for (let at = c; at < n * d; at += d) moved[at] = x[at]! + STEP * Math.max(1, Math.abs(x[at]!));
        await density.evaluate(moved, n, above);
        for (let at = c; at < n * d; at += d) moved[at] = x[at]! - STEP * Math.max(1, Math.abs(x[at]!));
        await density.evaluate(moved, n, below);
        for (let i = 0; i < n; i++) {
          const at = i * d + c;
          const h = STEP * Math.max(1, Math.abs(x[at]!));
          gradient[at] = out[i] === -Infinity ? 0 : slope(below[i]!, out[i]!, above[i]!, h);
          moved[at] = x[at]!;
        }
      }
    },
    release: () => room.release(),
  };
}
