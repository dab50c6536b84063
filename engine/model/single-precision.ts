import type { InputSpace } from '../distribution/inputs.ts';
import type { Warning } from '../types.ts';
import type { Place } from './place.ts';

/**
 * Standard deviation of a number, as a share of its mean, below which rounding to float32 moves a total index by
 * 1e-4: rounding errors of two outputs have variances (2^-24 mean)^2 / 3 each, and (1/2) 2 / 3 (2^-24 / 1e-4^(1/2))^2
 * = FLAT^2.
 */
const FLAT: number = 2 ** -24 / Math.sqrt(3e-4);

/** Where float32 numbers of discrete laws are looked at. */
const SHARES = [0.01, 0.25, 0.5, 0.75, 0.99] as const;

/** A number that varies. */
interface Varying {
  readonly name: string;
  readonly mean: number;
  readonly variance: number;
}

/**
 * Inputs of a model on a card that vary too little beside their mean for float32: the card has a coarse grid of them,
 * and what is computed from such a grid is another model. Undefined on the host and where there are none.
 */
export function roundedInputs({ card }: Place, { names, laws }: InputSpace): Warning | undefined {
  if (card === undefined) return undefined;
  const rounded = laws
    .map((law, c) => ({ law, name: names[c]!, mean: law.mean, variance: law.variance }))
    .filter(({ law }) => !(law.discrete && SHARES.every((p) => exact(law.quantile(p)))));
  const advice = 'Make the difference the input and add the constant in the model';
  return warningOf(rounded, (name) => `Input ${name}`, `. ${advice}`);
}

/**
 * Outputs that vary too little beside their mean for float32: rounding is noise that is independent from row to row and
 * adds its variance to theirs. Undefined on the host and where there are none.
 * @param effect what may come of it, for the message.
 */
export function roundedOutputs(
  { card }: Place,
  outputs: readonly Varying[],
  effect: string,
): Warning | undefined {
  if (card === undefined) return undefined;
  const which = (name: string): string => (outputs.length === 1 ? 'The output' : `Output ${name}`);
  return warningOf(outputs, which, `: ${effect}. Subtract a constant in the model`);
}

function warningOf(
  values: readonly Varying[],
  which: (name: string) => string,
  then: string,
): Warning | undefined {
  const flat = values
    .map(({ name, mean, variance }) => ({ name, mean, share: Math.sqrt(variance) / Math.abs(mean) }))
    .filter(({ share }) => share < FLAT)
    .sort((p, q) => p.share - q.share);
  const worst = flat[0];
  if (worst === undefined) return undefined;
  const { name, mean, share } = worst;
  const others = flat.length === 1 ? '' : ` (and ${flat.length - 1} other${flat.length === 2 ? '' : 's'})`;
  const short = (x: number, digits: number): number => Number(x.toPrecision(digits));
  return {
    code: 'float32-rounding',
    message: `${which(name)}${others} varies by only ${short(share * Math.abs(mean), 2)} about ${short(mean, 6)}, where float32 on the GPU resolves ${short(Math.abs(mean) * 2 ** -24, 2)}${then}, or use backend: 'wasm'.`,
    value: share,
    threshold: FLAT,
  };
}

function exact(x: number): boolean {
  return Math.fround(x) === x;
}
