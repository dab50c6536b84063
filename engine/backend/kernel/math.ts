/** A function of Math that kernels may call. */
export interface MathFunction {
  /** Fewest and most arguments. */
  readonly takes: readonly [number, number];
  /** Function of kernel-library.ts, of two arguments at most. */
  readonly name: string;
  /** The same on the host, for arguments that are known. */
  readonly fold: (...values: number[]) => number;
  /** 'shown' when what is not finite goes through to the result; otherwise the arguments are checked. */
  readonly argument: 'shown' | 'hidden';
  /** Whether the result is always finite when the arguments are. */
  readonly finite: boolean;
}

function of(name: string, fold: (...values: number[]) => number, takes = 1, finite = true): MathFunction {
  return { takes: [takes, takes], name, fold, argument: 'hidden', finite };
}

function shown(name: string, fold: (...values: number[]) => number): MathFunction {
  return { takes: [1, 1], name, fold, argument: 'shown', finite: false };
}

/** The functions of Math on the card. */
export const MATH: Readonly<Record<string, MathFunction>> = {
  abs: shown('gabs', Math.abs),
  acos: of('gacos', Math.acos),
  acosh: of('gacosh', Math.acosh),
  asin: of('gasin', Math.asin),
  asinh: of('gasinh', Math.asinh),
  atan: of('gatan', Math.atan),
  atan2: of('gatantwo', Math.atan2, 2),
  atanh: of('gatanh', Math.atanh),
  cbrt: of('gcbrt', Math.cbrt),
  ceil: shown('gceil', Math.ceil),
  cos: of('gcos', Math.cos),
  cosh: of('gcosh', Math.cosh),
  exp: of('gexp', Math.exp),
  expm1: of('gexpmone', Math.expm1),
  floor: shown('gfloor', Math.floor),
  fround: shown('gfround', Math.fround),
  hypot: { takes: [1, 8], name: 'ghypot', fold: Math.hypot, argument: 'hidden', finite: true },
  log: of('glog', Math.log),
  log10: of('glogten', Math.log10),
  log1p: of('glogonep', Math.log1p),
  log2: of('glogtwo', Math.log2),
  max: { takes: [1, 64], name: 'gmax', fold: Math.max, argument: 'hidden', finite: true },
  min: { takes: [1, 64], name: 'gmin', fold: Math.min, argument: 'hidden', finite: true },
  pow: of('gpow', Math.pow, 2),
  round: shown('ground', Math.round),
  sign: of('gsign', Math.sign),
  sin: of('gsin', Math.sin),
  sinh: of('gsinh', Math.sinh),
  sqrt: of('gsqrt', Math.sqrt),
  tan: of('gtan', Math.tan, 1, false),
  tanh: of('gtanh', Math.tanh),
  trunc: shown('gtrunc', Math.trunc),
};
