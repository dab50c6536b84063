import type { InputSpace } from '../distribution/inputs.ts';
import type { Warning } from '../types.ts';
import type { Place } from './place.ts';

/**
 * Standard deviation of a number, as a share of its mean, below which rounding to float32 moves a total index by
 * 1e-4: rounding errors of two outputs have variances (2^-24 mean)^2 / 3 each, and (1/2) 2 / 3 (2^-24 / 1e-4^(1/2))^2
 * = FLAT^2.
 */
export const FLAT: number = 2 ** -24 / Math.sqrt(3e-4);

/** Where float32 numbers of discrete laws are looked at. */
const SHARES = [0.01, 0.25, 0.5, 0.75, 0.99] as const;

/**
 * Inputs of a model on a card that vary too little beside their mean for float32: the card has a coarse grid of them,
 * and what is computed from such a grid is another model. Undefined on the host and where there are none.
 */
export function roundedInputs({ card }: Place, { names, laws }: InputSpace): Warning | undefined {
  if (card === undefined) return undefined;
  const flat = laws
    .map((law, c) => ({ law, name: names[c]!, mean: Math.abs(law.mean), sd: Math.sqrt(law.variance) }))
    .filter(
      ({ law, mean, sd }) =>
        sd < FLAT * mean && !(law.discrete && SHARES.every((p) => exact(law.quantile(p)))),
    )
    .sort((p, q) => p.sd / p.mean - q.sd / q.mean);
  const worst = flat[0];
  if (worst === undefined) return undefined;
  const others = flat.length === 1 ? '' : ` (and ${flat.length - 1} other${flat.length === 2 ? '' : 's'})`;
  return {
    code: 'float32-rounding',
    message: `Input ${worst.name}${others} varies by only ${Number(worst.sd.toPrecision(2))} about ${Number(worst.law.mean.toPrecision(6))}, where float32 on the GPU resolves ${Number((worst.mean * 2 ** -24).toPrecision(2))}. Make the difference the input and add the constant in the model, or use backend: 'wasm'.`,
    value: worst.sd / worst.mean,
    threshold: FLAT,
  };
}

function exact(x: number): boolean {
  return Math.fround(x) === x;
}
