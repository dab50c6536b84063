import type { ElementaryName } from '../wgsl/elementary.ts';

/** A function of the plain language: what its calls become on the card. gpu.js puts `fn_` before its name. */
export interface LibraryFunction {
  readonly takes: Readonly<Record<string, 'Number' | 'Integer'>>;
  readonly returns: 'Number' | 'Integer';
  /** Body in WGSL, with the parameters' names. */
  readonly wgsl: string;
  readonly needs: readonly ElementaryName[];
  /** Body in JavaScript for gpu.js's backends on the processor; undefined where they cannot do it. */
  readonly js: string | undefined;
}

const V = { v: 'Number' } as const;
const AB = { a: 'Number', b: 'Number' } as const;
const IN = { i: 'Integer', n: 'Integer' } as const;

/** A function of Math; `checked` where it has a domain or grows beyond float32, outside of which the point fails. */
function math(name: ElementaryName, js: string, checked: boolean): LibraryFunction {
  const value = `${name}(v)`;
  return {
    takes: V,
    returns: 'Number',
    wgsl: `return ${checked ? `kernel_check(${value})` : value};`,
    needs: [name],
    js: `return ${js}(v);`,
  };
}

function plain(
  takes: LibraryFunction['takes'],
  wgsl: string,
  js: string | undefined,
  needs: readonly ElementaryName[] = [],
  returns: LibraryFunction['returns'] = 'Number',
): LibraryFunction {
  return { takes, returns, wgsl, needs, js };
}

/** A wave, whose argument float32 must still resolve. */
function wave(name: 'e_sin' | 'e_cos' | 'e_tan', js: string): LibraryFunction {
  return plain(V, `if (abs(v) > 1e5) { failed = true; } return ${name}(v);`, `return ${js}(v);`, [name]);
}

/** The remainder of a / b, put right where the rounded quotient is one off. Exact when a, b and a / b are below 2^24. */
const REMAINDER = `let size = abs(b);
  var r = abs(a) - size * floor(abs(a) / size);
  if (r < 0.0) { r += size; }
  if (r >= size) { r -= size; }`;

/**
 * exp in arithmetic, as e_exp does it: in WebAssembly of gpu.js a call of Math.exp leaves the module, and this takes a third
 * of the time (197 against 66 ms for 4e6 calls; on its cpu backend 102 against 59 ms).
 */
const EXP = `if (v < -87.3) { return 0; }
  if (v > 88.72) { return v * 3.4e38; }
  const e = Math.floor(v * 1.442695 + 0.5);
  const r = v - e * 0.693359375 + e * 0.00021219444;
  const p = ((((0.00019849927 * r + 0.0013996256) * r + 0.008333579) * r + 0.041665357) * r + 0.16666664) * r + 0.5;
  let y = 1 + (r + r * r * p);
  let k = Math.abs(e);
  let s = 0.5;
  if (e < 0) { s = 2; }
  ${[64, 64, 32, 16, 8, 4, 2, 1].map((n) => `if (k >= ${n}) { if (e < 0) { s *= ${2 ** -n}; } else { s *= ${2 ** n}; } k -= ${n}; }`).join('\n  ')}
  if (e < 0) { return y * s * 0.5; }
  return y * s * 2;`;

/** Functions by name. Names have letters only, because gpu.js rewrites others. */
export const LIBRARY: Readonly<Record<string, LibraryFunction>> = {
  /** Fails unless v is finite. */
  gfinite: plain(V, 'return kernel_check(v);', 'return v;'),
  /** Fails unless v is finite and not the stand-in of an infinity. */
  gsolid: plain(
    V,
    'if ((bitcast<u32>(v) & 0x7fffffffu) >= 0x7f7fffffu) { failed = true; } return v;',
    'return v;',
  ),
  /** -0, which a compiler may take for 0 where it is written as a number. */
  gminuszero: plain({}, 'return e_bits(0x80000000u);', 'return -0;', ['e_bits']),
  gfail: plain({}, 'failed = true; return 0.0;', undefined),
  gfloat: plain({ i: 'Integer' }, 'return f32(i);', 'return i;'),
  /** An integer that was kept as a number. */
  gint: plain(V, 'return i32(v);', undefined, [], 'Integer'),
  /** A number as an index; fails unless it is an integer in 0..n - 1. */
  gindex: plain(
    { v: 'Number', n: 'Integer' },
    'if (!(v >= 0.0 && v < f32(n)) || v != floor(v)) { failed = true; return 0; } return i32(v);',
    undefined,
    [],
    'Integer',
  ),
  /** An integer as an index; fails unless it is in 0..n - 1. */
  gwithin: plain(IN, 'if (i < 0 || i >= n) { failed = true; return 0; } return i;', undefined, [], 'Integer'),
  gintmod: plain(IN, 'return i % n;', 'return i % n;', [], 'Integer'),
  gintdiv: plain(IN, 'return i / n;', 'return Math.floor(i / n);', [], 'Integer'),
  gpoint: plain({ i: 'Integer' }, 'return x[kernel_at + u32(i)];', undefined),
  gconstant: plain({ i: 'Integer' }, 'return constants[u32(i)];', undefined),
  gpick: plain(
    { i: 'Integer', a: 'Number', b: 'Number', c: 'Number', d: 'Number' },
    'if (i == 0) { return a; } if (i == 1) { return b; } if (i == 2) { return c; } return d;',
    'if (i === 0) { return a; } if (i === 1) { return b; } if (i === 2) { return c; } return d;',
  ),
  gdiv: plain(AB, 'if (abs(b) < 0x1p-126) { failed = true; return 0.0; } return a / b;', 'return a / b;'),
  gmod: plain(
    AB,
    `if (abs(b) < 0x1p-126) { failed = true; return 0.0; }
  if (abs(a) > 16777216.0 * abs(b)) { failed = true; }
  ${REMAINDER}
  return select(r, -r, a < 0.0);`,
    'return a % b;',
  ),
  gfloordiv: plain(
    AB,
    `if (abs(b) < 0x1p-126) { failed = true; return 0.0; }
  let q = floor(a / b);
  let r = select(a - q * b, q * b - a, b < 0.0);
  if (r < 0.0) { return q - 1.0; }
  if (r >= abs(b)) { return q + 1.0; }
  return q;`,
    'return Math.floor(a / b);',
  ),
  gtruncdiv: plain(
    AB,
    `if (abs(b) < 0x1p-126) { failed = true; return 0.0; }
  var q = floor(abs(a) / abs(b));
  let r = abs(a) - q * abs(b);
  if (r < 0.0) { q -= 1.0; }
  if (r >= abs(b)) { q += 1.0; }
  return select(q, -q, (a < 0.0) != (b < 0.0));`,
    'return Math.trunc(a / b);',
  ),
  gsquare: plain(V, 'return v * v;', 'return v * v;'),
  gcube: plain(V, 'return v * v * v;', 'return v * v * v;'),
  gpow: plain(AB, 'return kernel_check(e_pow(a, b));', 'return Math.pow(a, b);', ['e_pow']),
  gabs: plain(V, 'return abs(v);', 'return Math.abs(v);'),
  gceil: plain(V, 'return ceil(v);', 'return Math.ceil(v);'),
  gfloor: plain(V, 'return floor(v);', 'return Math.floor(v);'),
  gfround: plain(V, 'return v;', 'return v;'),
  ground: math('e_round', 'Math.round', false),
  gsign: plain(V, 'return sign(v);', 'return Math.sign(v);'),
  gtrunc: plain(V, 'return trunc(v);', 'return Math.trunc(v);'),
  gmax: plain(AB, 'return max(a, b);', 'return Math.max(a, b);'),
  gmin: plain(AB, 'return min(a, b);', 'return Math.min(a, b);'),
  gacos: math('e_acos', 'Math.acos', true),
  gacosh: math('e_acosh', 'Math.acosh', true),
  gasin: math('e_asin', 'Math.asin', true),
  gasinh: math('e_asinh', 'Math.asinh', false),
  gatan: math('e_atan', 'Math.atan', false),
  gatantwo: plain(
    AB,
    // Beside a zero it is the sign of that zero that decides the side.
    `if (a == 0.0) {
    if ((bitcast<u32>(b) >> 31u) == 0u) { return a; }
    return select(3.1415927, -3.1415927, (bitcast<u32>(a) >> 31u) == 1u);
  }
  return e_atan2(a, b);`,
    'return Math.atan2(a, b);',
    ['e_atan2'],
  ),
  gatanh: math('e_atanh', 'Math.atanh', true),
  gcbrt: math('e_cbrt', 'Math.cbrt', false),
  gcos: wave('e_cos', 'Math.cos'),
  gcosh: math('e_cosh', 'Math.cosh', true),
  gexp: { ...math('e_exp', 'Math.exp', true), js: EXP },
  gexpmone: math('e_expm1', 'Math.expm1', true),
  ghypot: plain(AB, 'return kernel_check(e_hypot(a, b));', 'return Math.sqrt(a * a + b * b);', ['e_hypot']),
  glog: math('e_log', 'Math.log', true),
  glogten: math('e_log10', 'Math.log10', true),
  glogonep: math('e_log1p', 'Math.log1p', true),
  glogtwo: math('e_log2', 'Math.log2', true),
  gsin: wave('e_sin', 'Math.sin'),
  gsinh: math('e_sinh', 'Math.sinh', true),
  gsqrt: math('e_sqrt', 'Math.sqrt', true),
  gtan: wave('e_tan', 'Math.tan'),
  gtanh: math('e_tanh', 'Math.tanh', false),
};
