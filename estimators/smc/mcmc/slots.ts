import type { FeynmanKac, SmcRun } from '../../../engine/particles/smc/feynman-kac.ts';
import type { Rng } from '../../../engine/random/rng.ts';
import type { StateFields } from '../state-space.ts';

/** What one run of a loop is to be this time: loops are opened once and run again and again. */
export interface Slot {
  readonly model: FeynmanKac<StateFields>;
  readonly rng: Rng;
  /** x*_0..x*_{T-1} [T, d] on which particle 0 is held; undefined in an ordinary filter. */
  readonly reference?: Float64Array | undefined;
}

/** A generator that is whatever the slot holds. */
export function slotRng(slot: () => Slot): Rng {
  return {
    get key() {
      return slot().rng.key;
    },
    stream: (address) => slot().rng.stream(address),
    child: (tag, index) => slot().rng.child(tag, index),
  };
}

/** A model that is whatever the slot holds, with particle 0 on the reference. All models of a slot have one shape. */
export function slotModel(slot: () => Slot): FeynmanKac<StateFields> {
  const { fields, noise, block, steps } = slot().model;
  const d = fields.x.components;
  const pin = (step: number, run: SmcRun<StateFields>, lo: number): void => {
    const { reference } = slot();
    if (lo === 0 && reference !== undefined) run.field('x').set(reference.subarray(step * d, (step + 1) * d));
  };
  const after = (pending: void | Promise<void>, pinning: () => void): void | Promise<void> =>
    pending === undefined ? pinning() : pending.then(pinning);
  return {
    fields,
    steps,
    ...(noise === undefined ? {} : { noise }),
    ...(block === undefined ? {} : { block }),
    init: (run, lo, hi) => after(slot().model.init(run, lo, hi), () => pin(0, run, lo)),
    mutate: (step, run, lo, hi) => after(slot().model.mutate(step, run, lo, hi), () => pin(step, run, lo)),
    logPotential: (step, run, out, lo, hi) => slot().model.logPotential(step, run, out, lo, hi),
  };
}
