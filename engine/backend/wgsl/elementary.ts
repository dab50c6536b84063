import { CIRCULAR } from './elementary-circular.ts';
import { EXPONENTIAL } from './elementary-exponential.ts';
import { HYPERBOLIC } from './elementary-hyperbolic.ts';
import { POWERS } from './elementary-powers.ts';

/** A function in WGSL, and the names of the functions that it calls. */
export interface Snippet {
  readonly code: string;
  readonly needs: readonly string[];
}

/**
 * JavaScript's Math functions in float32, `e_` before their names: `e_exp`, `e_log1p`, ... WGSL's own may be off by 2^-11
 * (sin, cos) and lack log1p, expm1 and cbrt; these are polynomials and bit operations. Largest relative errors against
 * float64 at the same float32 argument, measured on SwiftShader: exp, log, cbrt 8e-8; pow 1.7e-7 over the whole range of
 * results; asin 2.7e-7; tan 2.1e-7; all others below 1.8e-7. sin and cos are within 7e-8 absolute for |x| <= 1e5 (sin
 * 1.2e-7 relative for |x| <= 7); beyond that they lose digits and stay in [-1, 1]. `e_hypot` takes two numbers.
 *
 * At the edges they answer as Math does, with NaN and infinities made from bits (later code may look at the bits; WGSL
 * promises nothing about comparing with them). Numbers below 2^-126 count as 0. No step needs a rounding error that a
 * compiler could cancel or fuse away for more than an error of about 1e-6.
 *
 * Not here, because the built-in ones do: abs, floor, ceil, trunc, sign, min, max.
 */
export const ELEMENTARY: Readonly<Record<ElementaryName, Snippet>> = {
  ...EXPONENTIAL,
  ...CIRCULAR,
  ...HYPERBOLIC,
  ...POWERS,
};

export type ElementaryName =
  | keyof typeof EXPONENTIAL
  | keyof typeof CIRCULAR
  | keyof typeof HYPERBOLIC
  | keyof typeof POWERS;

/** The named functions with all that they call, each once, as one piece of WGSL. */
export function elementary(...names: readonly ElementaryName[]): string {
  const known = new Set<ElementaryName>();
  const add = (name: ElementaryName): void => {
    if (known.has(name)) return;
    // Every name in `needs` is a key of the table; elementary.test.ts compiles them all.
    for (const needed of ELEMENTARY[name].needs) add(needed as ElementaryName);
    known.add(name);
  };
  for (const name of names) add(name);
  return [...known].map((name) => ELEMENTARY[name].code).join('\n');
}
