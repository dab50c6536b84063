import type { Backend } from '../../../engine/backend/backend.ts';
import type { Gpu } from '../../../engine/backend/gpu/types.ts';
import { DEAD } from '../../../engine/backend/wgsl/reduce.ts';
import { ValueError } from '../../../engine/errors.ts';
import { cardParticles } from '../../../engine/particles/card-particles.ts';
import type { CardScheme } from '../../../engine/particles/card-resampler.ts';
import type { WeightSummary } from '../../../engine/particles/log-weight.ts';
import { bookStep, type CardRun } from '../../../engine/particles/smc/card-smc.ts';
import { bury } from '../../../engine/particles/smc/weigh.ts';
import type { Trigger } from '../../../engine/particles/trigger.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { StateFields, StateSpaceCard } from '../state-space.ts';
import type { ObservationSeries } from './observations.ts';

export interface CardRunOptions {
  readonly where: string;
  readonly gpu: Gpu;
  readonly backend: Backend;
  readonly rng: Rng;
  readonly card: StateSpaceCard;
  readonly observations: ObservationSeries;
  /** N */
  readonly particles: number;
  /** d */
  readonly dimension: number;
  /** Normals of a draw. */
  readonly noise: number;
  readonly scheme: CardScheme;
  readonly trigger: Trigger;
  readonly nan: 'error' | 'dead';
  readonly floor: number | undefined;
}

interface Weighed {
  readonly summary: WeightSummary;
  /** Potentials that were NaN and counted as -Infinity. */
  readonly nans: number;
}

/** The steps are those of the loop on the host (engine/particles/smc), in the same order and with the same draws. */
export function makeCardRun(options: CardRunOptions): CardRun<StateFields, undefined> {
  const { gpu, card, observations, particles: n, noise, trigger, floor } = options;
  const particles = cardParticles(options);
  const { logWeight, weight, weigh: weighAgain, release } = particles;
  const weights = { logWeight, weight, weigh: weighAgain };
  const increment = new Float64Array(n);
  const move = (step: number): Promise<void> =>
    step === 0
      ? particles.draw({ by: card.initial, normals: noise, step, purpose: 'init' })
      : particles.draw({ by: card.transition, normals: noise, step });
  const weigh = async (
    step: number,
    x: Float32Array,
    density: Float32Array,
    offset: number,
  ): Promise<Weighed> => {
    for (let i = 0; i < n; i++) increment[i] = density[i]! <= DEAD ? -Infinity : density[i]! + offset;
    const nans = options.nan === 'dead' ? bury(increment) : 0;
    checkPotentials(options, { x, increment, logWeight }, step);
    return { summary: await particles.reweight(increment), nans };
  };
  return {
    ...weights,
    model: undefined,
    release,
    place: (copy) => particles.place(Float32Array.from(copy.field('x'))),
    async step(t, from) {
      const resampled = t > 0 && trigger(from.summary, logWeight);
      const chosen = resampled ? await particles.resample(t) : undefined;
      await move(t);
      const y = observations[t]!;
      const { inputs, offset } = y === null ? MISSING : (card.observe?.(y) ?? { inputs: y, offset: 0 });
      const seen =
        y === null ? undefined : await particles.potential({ by: card.logObservation, inputs, step: t });
      const answers = Promise.all([
        chosen === undefined ? undefined : gpu.read(chosen),
        seen === undefined ? undefined : gpu.read(seen),
        particles.read(),
      ]);
      // Whoever ends the step is told.
      answers.catch(() => undefined);
      return async () => {
        const [ancestor, density, x] = await answers;
        const weighed =
          density === undefined
            ? { summary: await particles.weigh(), nans: 0 }
            : await weigh(t, x, density, offset);
        const standing = await bookStep(weights, t, { from, resampled, ...weighed }, floor);
        return { ...standing, model: undefined, ancestor, fill: (copy) => copy.field('x').set(x) };
      };
    },
  };
}

/** What the card is told of an observation that is missing. */
const MISSING = { inputs: [], offset: 0 };

interface Potentials {
  readonly x: Float32Array;
  readonly increment: Float64Array;
  readonly logWeight: Float64Array;
}

/** @throws ValueError when a particle that is alive has a potential of NaN or +Infinity. */
function checkPotentials(
  { where, dimension: d }: CardRunOptions,
  { x, increment, logWeight }: Potentials,
  step: number,
): void {
  const index = increment.findIndex((l, i) => !(l < Infinity) && logWeight[i] !== -Infinity);
  if (index < 0) return;
  throw new ValueError({
    where,
    found: `the log potential is ${increment[index]} at step ${step}, particle ${index}`,
    expected: 'a finite number, or -Infinity for a particle that is impossible',
    fix: 'The particle is in `error.point`.',
    index,
    point: Float64Array.from(x.subarray(index * d, (index + 1) * d)),
  });
}
