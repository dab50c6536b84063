/** A function that formulas may call. */
interface Known {
  readonly fewest: number;
  readonly most: number;
  readonly evaluate: (...args: number[]) => number;
}

const one = (evaluate: (x: number) => number): Known => ({ fewest: 1, most: 1, evaluate });

/** Everything a formula may call; the names are those of JavaScript's Math, where each of them also is. */
export const FUNCTIONS = {
  sin: one(Math.sin),
  cos: one(Math.cos),
  tan: one(Math.tan),
  asin: one(Math.asin),
  acos: one(Math.acos),
  atan: one(Math.atan),
  tanh: one(Math.tanh),
  exp: one(Math.exp),
  log: one(Math.log),
  log2: one(Math.log2),
  log10: one(Math.log10),
  sqrt: one(Math.sqrt),
  abs: one(Math.abs),
  sign: one(Math.sign),
  floor: one(Math.floor),
  ceil: one(Math.ceil),
  min: { fewest: 2, most: 8, evaluate: Math.min },
  max: { fewest: 2, most: 8, evaluate: Math.max },
  pow: { fewest: 2, most: 2, evaluate: Math.pow },
} as const satisfies Readonly<Record<string, Known>>;

export type FunctionName = keyof typeof FUNCTIONS;

/** Names with a value of their own. */
export const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
]);

/** What people write for the names above. */
export const OTHER_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ln: 'log',
    lg: 'log10',
    arcsin: 'asin',
    arccos: 'acos',
    arctan: 'atan',
    power: 'pow',
    fabs: 'abs',
    π: 'pi',
  }),
);

/** Whether a formula may call `name`. */
export function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name);
}
