import type { Backend } from '../../../engine/backend/backend.ts';
import { normalizedWeight } from '../../../engine/particles/log-weight.ts';
import type { Selection, SmcPopulation } from '../../../engine/particles/smc/feynman-kac.ts';
import { makeSmc } from '../../../engine/particles/smc/smc.ts';
import { PURPOSE } from '../../../engine/random/purpose.ts';
import { makeIndexChooser } from '../../../estimators/smc/mcmc/index-choice.ts';
import type { PathSlot } from '../../../estimators/smc/mcmc/path-updater.ts';
import { slotModel, slotRng } from '../../../estimators/smc/mcmc/slots.ts';
import type { StateFields } from '../../../estimators/smc/state-space.ts';

/** Ancestors [N] from normalised weights and uniforms; slot 0 is overwritten by the reference afterwards. */
type WrongDraw = (weight: Float64Array, uniform: () => number) => Uint32Array;

/** The wrong ways to choose ancestors beside a reference; smc.md section 9. */
export const WRONG_DRAWS: Readonly<Record<string, WrongDraw>> = {
  'sorted draws, slot 0 overwritten': (weight, uniform) =>
    Uint32Array.from(weight, () => search(weight, uniform())).sort(),
  'systematic for the other slots': (weight, uniform) => {
    const u = uniform();
    const others = weight.length - 1;
    return Uint32Array.from(weight, (_, i) => (i === 0 ? 0 : search(weight, (i - 1 + u) / others)));
  },
  'systematic, slot 0 overwritten': (weight, uniform) => {
    const u = uniform();
    return Uint32Array.from(weight, (_, i) => search(weight, (i + u) / weight.length));
  },
};

function search(weight: Float64Array, u: number): number {
  let i = 0;
  for (let below = weight[0]!; below < u && i < weight.length - 1; below += weight[i]!) i++;
  return i;
}

/** One update of every path with a wrong draw of ancestors, in the loop itself. */
export async function wrongUpdate(
  slots: readonly PathSlot[],
  particles: number,
  draw: WrongDraw,
  backend: Backend,
): Promise<Float64Array[]> {
  const select: Selection<StateFields> = (step, { rng, logWeight }: SmcPopulation, ancestor) => {
    const stream = rng.stream({ purpose: PURPOSE.resampling, step });
    ancestor.set(draw(normalizedWeight(logWeight), () => stream.uniform()));
    ancestor[0] = 0;
  };
  const smc = makeSmc({
    where: 'wrongUpdate',
    backend,
    particles,
    threshold: 1,
    model: slots.map((slot) => slotModel(() => slot)),
    rngs: slots.map((slot) => slotRng(() => slot)),
    history: { kind: 'paths' },
    select,
  });
  while (!smc.finished) await smc.advance();
  const chooser = makeIndexChooser('wrongUpdate', particles);
  return slots.map(({ rng }, index) => {
    const u = rng.stream({ purpose: PURPOSE.permutation, step: smc.step }).uniform();
    return smc.history.path(index * particles + chooser.choose(smc.population(index).logWeight, u)!).x!;
  });
}
