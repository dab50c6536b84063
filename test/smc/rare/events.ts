import { exponential } from '../../../engine/distribution/exponential.ts';
import type { Inputs } from '../../../engine/distribution/inputs.ts';
import type { Law } from '../../../engine/distribution/law.ts';
import { normal } from '../../../engine/distribution/normal.ts';
import { pointwise } from '../../../engine/model/model.ts';
import type { PathProcess } from '../../../estimators/smc/rare/dynamic-splitting.ts';
import type { RareEventOptions } from '../../../estimators/smc/rare/types.ts';
import reference from '../../reference/rare-events.json' with { type: 'json' };

/** An event whose probability is known. */
export interface KnownEvent {
  readonly options: RareEventOptions;
  readonly p: number;
}

const alike = (d: number, law: Law): Inputs =>
  Object.fromEntries(Array.from({ length: d }, (_, i) => [`x${i}`, law]));
const probability = (name: string): number => reference.events.find((event) => event.name === name)!.p;
const total = (x: ArrayLike<number>, f: (v: number) => number = (v) => v): number => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += f(x[i]!);
  return sum;
};
const gauss = normal(0, 1);

export const EVENTS: Readonly<Record<string, KnownEvent>> = {
  linear: {
    options: {
      model: pointwise((x) => total(x) / Math.sqrt(10)),
      inputs: alike(10, gauss),
      event: { above: 3.5 },
    },
    p: probability('linear_d10_b3.5'),
  },
  ring: {
    options: {
      model: pointwise((x) => total(x, (v) => v * v)),
      inputs: alike(20, gauss),
      event: { above: 60 },
    },
    p: probability('chi2_d20'),
  },
  parabola: {
    options: {
      model: pointwise((x) => 5 - x[1]! - 0.5 * (x[0]! - 0.1) ** 2),
      inputs: alike(2, gauss),
      event: { below: 0 },
    },
    p: probability('parabola_2d'),
  },
  exponentials: {
    options: { model: pointwise((x) => total(x)), inputs: alike(10, exponential(1)), event: { above: 35 } },
    p: probability('sum_exp10'),
  },
  // "At least 22" of 50: the score takes whole values, so levels meet ties.
  discrete: {
    options: {
      model: pointwise((x) => total(x, (v) => (v > 1 ? 1 : 0))),
      inputs: alike(50, gauss),
      event: { above: 21.5 },
    },
    p: probability('discrete_levels'),
  },
};

/** +1 with probability 0.45, else -1, from 1: reaches 20 before 0. */
export const RUIN: { readonly process: PathProcess; readonly p: number } = {
  process: {
    dimension: 1,
    initial: (x) => {
      x[0] = 1;
    },
    step: (x, stream) => {
      x[0] = x[0]! + (stream.uniform() < 0.45 ? 1 : -1);
    },
    coordinate: (x) => x[0]!,
    dead: (x) => x[0]! <= 0,
  },
  p: probability('gamblers_ruin'),
};
