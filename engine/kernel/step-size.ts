import { exp, log } from '../wasm/twins/elementary.ts';
import { otherKernel } from './shape.ts';

/** A step size that follows the acceptance: log size += (mean acceptance - target) at each `adapt`. */
export interface StepSize {
  readonly size: number;
  /** Mean acceptance of the moves told since the last `adapt`; NaN when there were none. */
  readonly acceptance: number;
  /** Tell of moves of n chains with that mean acceptance. */
  tell(acceptance: number, n: number): void;
  /** Learn from what was told, and forget it. */
  adapt(): void;
  snapshot(): Readonly<Record<string, number>>;
  restore(saved: unknown): void;
}

export interface StepSizeOptions {
  readonly initial: number;
  /** Acceptance wanted. */
  readonly target: number;
  /** false: `adapt` leaves it as it is. */
  readonly adapt: boolean;
  readonly least?: number;
  readonly most?: number;
}

/** Sizes between which steps stay, whatever the acceptances: far from overflow. */
const LEAST = 1e-12;
const MOST = 1e12;

export function makeStepSize(options: StepSizeOptions): StepSize {
  const { initial, target, adapt, least = LEAST, most = MOST } = options;
  let size = initial;
  let sum = 0;
  let told = 0;
  return {
    get size() {
      return size;
    },
    get acceptance() {
      return sum / told;
    },
    tell(acceptance, n) {
      sum += acceptance * n;
      told += n;
    },
    adapt() {
      if (told > 0 && adapt) size = Math.min(most, Math.max(least, exp(log(size) + sum / told - target)));
      sum = 0;
      told = 0;
    },
    snapshot: () => ({ size, sum, told }),
    restore(saved) {
      const numbers = saved as { size: number; sum: number; told: number } | undefined;
      if (typeof numbers?.size !== 'number') throw otherKernel('it has no step size');
      ({ size, sum, told } = numbers);
    },
  };
}
