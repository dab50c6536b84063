import { type GpuKernel, type GpuKernelOptions, gpuKernel } from '../../../engine/index.ts';

/** A kernel as text, with what it needs. Texts, because some are what compilers make of functions. */
export interface Case {
  readonly name: string;
  readonly text: string;
  readonly options?: Partial<GpuKernelOptions>;
}

const body = (name: string, text: string, options: Case['options'] = {}): Case => ({
  name,
  text: `function (x) { ${text} }`,
  options,
});

const MU = [
  [1, 2],
  [-0.5, 0.25],
  [3, -1],
];

/** Points at which the corpus is compared; dims 3. */
export const POINTS: readonly (readonly number[])[] = [
  [0.5, -1.25, 3],
  [2, 2, 2],
  [-3.75, 0.125, 1],
  [1, 0, -2],
  [7.3, -6.1, 0.03],
];

/** Small kernels, one construct each. */
export const CORPUS: readonly Case[] = [
  body('a sum that starts as an integer literal', 'let s = 0; s += x[0]; s += 0.25; return s;'),
  body('an integer literal in a quotient', 'return 1 / 3 + x[0] / 3 + 7 / 2;'),
  body(
    'a quotient of counters',
    'let s = 0; for (let i = 1; i < 5; i++) s += i / 4 + 1 / i; return s + x[0];',
  ),
  body(
    'a counter in float arithmetic',
    'let s = 0; for (let i = 0; i < 4; i++) s += i * 0.5 * x[0] - i; return s;',
  ),
  body(
    'a counter halved and floored',
    'let s = 0; for (let i = 0; i < 9; i++) s += Math.floor(i / 3) * x[i % 3]; return s;',
  ),
  body(
    'a local copied from a counter',
    'let k = 0; for (let i = 0; i < 4; i++) { k = i; k += 0.5; } return k * x[0];',
  ),
  body('remainders', 'return x[0] % 2 + (x[1] % 0.75) * 10 + 7 % 3 + (-7 % 3);'),
  body(
    'a remainder of a counter',
    'let s = 0; for (let i = 0; i < 7; i++) if (i % 2 === 0) s += x[i % 3]; return s;',
  ),
  body(
    'rounding',
    'return Math.floor(x[0]) + 10 * Math.ceil(x[1]) + 100 * Math.trunc(x[0]) + 1000 * Math.round(x[0]);',
  ),
  body(
    'rounding of halves',
    'return Math.round(0.5 * Math.floor(x[0])) + 10 * Math.round(-2.5) + 100 * Math.round(2.5);',
  ),
  body('sign and abs', 'return Math.sign(x[0]) + 10 * Math.sign(x[1]) + Math.abs(x[1]) + Math.sign(0);'),
  body(
    'min and max of several',
    'return Math.max(x[0], x[1], x[2]) + 10 * Math.min(x[0], x[1], x[2], 0.5) + Math.max(x[0]);',
  ),
  body('exp, log, sqrt', 'return Math.exp(-x[0]) + Math.log(1 + x[0] * x[0]) + Math.sqrt(Math.abs(x[1]));'),
  body('log1p and expm1 near 0', 'return 1e8 * Math.log1p(1e-8 * x[2]) + 1e7 * Math.expm1(1e-7 * x[0]);'),
  body(
    'log2, log10, cbrt, fround',
    'const a = Math.abs(x[0]); return Math.log2(a) + Math.log10(a) + Math.cbrt(x[1]) + Math.fround(x[2]);',
  ),
  body('sin, cos, tan', 'return Math.sin(x[0]) + Math.cos(x[1]) + Math.tan(x[0] / 4);'),
  body(
    'inverse circular',
    'return Math.atan(x[0]) + Math.asin(x[0] / 8) + Math.acos(x[1] / 8) + Math.atan2(x[0], x[1]);',
  ),
  body(
    'hyperbolic',
    'return Math.sinh(x[0] / 2) + Math.cosh(x[1] / 2) + Math.tanh(x[2]) + Math.asinh(x[0]) + Math.acosh(2 + x[0] * x[0]) + Math.atanh(x[1] / 8);',
  ),
  body(
    'hypot of one, two and three',
    'return Math.hypot(x[0]) + Math.hypot(x[0], x[1]) + Math.hypot(x[0], x[1], x[2]);',
  ),
  body(
    'powers',
    'return x[0] ** 2 + x[0] ** 3 + Math.pow(Math.abs(x[1]), 1.7) + 2 ** x[0] + (-2) ** 3 + x[0] ** 4 + x[2] ** -1 + Math.abs(x[1]) ** 0.5;',
  ),
  body('a negative base and an integer power', 'return (-1.5) ** Math.floor(x[0]) + Math.pow(x[0], 2);'),
  body('**=', 'let y = x[0]; y **= 2; y /= 3; y -= 1; y *= -2; y %= 5; return y;'),
  body('++ and --', 'let n = 0; n++; ++n; n--; n += x[0]; n++; return n;'),
  body('a ternary', 'return x[0] > 0 ? Math.log(x[0]) : -1;'),
  body('nested ternaries', 'return x[0] > 2 ? 1 : x[0] > 0 ? x[1] : x[2] < 0 ? 3 : 4.5;'),
  body('a ternary inside arithmetic', 'return 2 * (x[0] > 1 ? x[1] : 1) + (x[1] < 0 ? 0.5 : 3) / 4;'),
  body('a ternary of integers', 'const k = x[0] > 1 ? 1 : 0; return k / 2 + (x[1] > 0 ? 2 : 1) / 4;'),
  body('a ternary guarding a quotient', 'return x[1] !== 0 ? x[0] / x[1] : 7;'),
  body('short circuits', 'return x[0] > 0 && Math.log(x[0]) > 0.5 ? 1 : x[1] === 0 || 1 / x[1] > 0 ? 2 : 3;'),
  body('a short circuit with a ternary', 'return x[1] > 0 && (x[0] > 0 ? Math.log(x[0]) : 1) > 0.5 ? 1 : 0;'),
  body(
    'truth of numbers',
    'let s = 0; if (x[1]) s += 1; if (!x[1]) s += 2; if (x[0] && x[2]) s += 4; return s;',
  ),
  body(
    'truth values in variables',
    'const a = x[0] > 1; let b = false; if (a) b = x[1] < 0; b = b || !a; return a && b ? 1 : b ? 2 : 3;',
  ),
  body(
    'comparisons',
    'return (x[0] < x[1] ? 1 : 0) + (x[0] <= 2 ? 2 : 0) + (x[0] >= x[2] ? 4 : 0) + (x[0] == 2 ? 8 : 0) + (x[0] != 2 ? 16 : 0) + (x[0] === 2 ? 32 : 0) + (x[0] !== 2 ? 64 : 0);',
  ),
  body(
    'if, else if, else',
    'let s; if (x[0] > 2) s = 1; else if (x[0] > 0) { s = x[1]; } else { s = -1; } return s;',
  ),
  body('early returns', 'if (x[0] < 0) return -1; if (x[1] < 0) { return x[1] / 2; } return 5;'),
  body(
    'an early return from a loop',
    'for (let i = 0; i < 3; i++) { if (x[i] > 1) return i + 0.5; } return -1;',
  ),
  body(
    'break and continue',
    'let s = 0; for (let i = 0; i < 10; i++) { if (i === 2) continue; if (i > 6) break; s += i * x[0]; } return s;',
  ),
  body(
    'continue in a loop with a step',
    'let s = 0; for (let i = 10; i > 0; i -= 3) { if (x[0] > 0 && i === 4) continue; s += i; } return s;',
  ),
  body(
    'nested loops',
    'let s = 0; for (let i = 0; i < 3; i++) for (let j = 0; j < 2; j++) s += x[i] * (j + 1) - i * j; return s;',
  ),
  body(
    'a triangle of loops',
    'let s = 0; for (let i = 0; i < 3; i++) { for (let j = 0; j <= i; j++) { s += x[i] * x[j] / (1 + j); } } return s;',
  ),
  body(
    'loops that go down',
    'let s = 0; for (let i = 2; i >= 0; i--) s = 2 * s + x[i]; for (let i = 0; i > -3; i--) s += i; return s;',
  ),
  body('a loop of 5000 rounds', 'let s = 0; for (let i = 0; i < 5000; i++) s += 0.5; return s + x[0];'),
  body(
    'a loop with two conditions',
    'let s = x[0]; let n = 0; for (let i = 0; i < 50 && s * s > 0.01; i++) { s /= 2; n++; } return n + s;',
  ),
  body('a loop that runs not at all', 'let s = x[0]; for (let i = 3; i < 3; i++) s += 100; return s;'),
  body('a loop with !==', 'let s = 0; for (let i = 0; i !== 6; i += 2) s += i * x[0]; return s;'),
  body(
    'two variables in the head of a loop',
    'let t = 0; for (let i = 0, s = 1; i < 3; i++, s *= 2) t += s * x[i]; return t;',
  ),
  body(
    'shadowed names',
    'let s = x[0]; { let s = 5; s += 1; if (s > 5) { let s = 2; s++; } } for (let s = 0; s < 2; s++) {} return s;',
  ),
  body(
    'a loop variable of the same name twice',
    'let t = 0; for (let i = 0; i < 2; i++) t += i; for (let i = 5; i < 7; i++) t += i * x[0]; return t;',
  ),
  body(
    'a variable declared in a loop starts anew',
    'let t = 0; for (let i = 0; i < 3; i++) { let s = 1; s += x[i]; t += s; } return t;',
  ),
  body('negative zero', 'const z = -0; return Math.atan2(z * 1, x[0] - 100) + Math.atan2(-0, -1);'),
  body('a minus before minus', 'const a = -x[0]; return - -a - -x[1] - (-2) + +x[2];'),
  body('numbers in all spellings', 'return x[0] * 1e3 + 0x10 + .5 + 1.5e-3 + 0b11 + 1_000;'),
  body(
    'constants of Math',
    'return x[0] * Math.PI + Math.E - Math.LN2 + Math.SQRT1_2 * Math.SQRT2 + Math.LOG2E;',
  ),
  body('a large integer', 'return 299792458 * x[0] / 3e8;'),
  body('number constants', 'return this.constants.a * x[0] + this.constants.n / 2 - this.constants.m;', {
    constants: { a: 0.1, n: 3, m: -4 },
  }),
  body(
    'nested constants',
    'let s = 0; for (let k = 0; k < 3; k++) for (let j = 0; j < 2; j++) s += this.constants.mu[k][j] * x[j] + k; return s;',
    {
      constants: { mu: MU },
    },
  ),
  body(
    'constants with three levels',
    'let s = 0; for (let i = 0; i < 2; i++) s += this.constants.t[i][1 - i][i + 1] * x[i]; return s;',
    {
      constants: {
        t: [
          [
            [1, 2, 3],
            [4, 5, 6],
          ],
          [
            [7, 8, 9],
            [10, 11, 12],
          ],
        ],
      },
    },
  ),
  body(
    'constants taken apart',
    'const { mu, d: size } = this.constants; const row = mu[1]; let s = 0; for (let j = 0; j < size; j++) s += row[j] * x[j]; return s + mu.length;',
    {
      constants: { mu: MU, d: 2 },
    },
  ),
  body(
    'a row keeps its place when its index changes',
    'let k = 0; if (x[0] > 1) k = 1; const row = this.constants.mu[k]; k = 2; return row[0] + 10 * row[k - 1];',
    {
      constants: { mu: MU },
    },
  ),
  body('the point taken apart', 'const [a, b] = x; return a - 2 * b + x.length;'),
  body(
    'an index computed from a number',
    'const k = Math.abs(Math.floor(x[2])) % 3; return x[k] + this.constants.w[k];',
    {
      constants: { w: new Float64Array([10, 20, 30]) },
    },
  ),
  body('an index by a local number', 'let k = 0; if (x[0] > 1) k = 2; return x[k];'),
  body(
    'a local array',
    'const v = [x[0], 2, x[1] * x[1]]; v[1] += 0.5; let s = 0; for (let i = 0; i < 3; i++) s += v[i] * (i + 1); return s;',
  ),
  body('two outputs', 'return [x[0] + 1, x[1] / 2];'),
  body('four outputs by a local array', 'const v = [x[0], 1, x[1], -2]; return v;'),
  body('two outputs on two paths', 'if (x[0] > 1) return [1, x[1]]; return x[1] > 0 ? [x[2], 0] : [0, 3];'),
  body('a log density with no support outside', 'if (x[0] < 0) return -Infinity; return -x[0];'),
  body(
    'log-sum-exp with the maximum',
    'let m = -Infinity; for (let k = 0; k < 3; k++) m = Math.max(m, -x[k] * x[k]); let s = 0; for (let k = 0; k < 3; k++) s += Math.exp(-x[k] * x[k] - m); return m + Math.log(s);',
  ),
  body(
    'a maximum found by comparing',
    'let best = -Infinity; let at = 0; for (let k = 0; k < 3; k++) if (x[k] > best) { best = x[k]; at = k; } return best === -Infinity ? 0 : best + 10 * at;',
  ),
  body('functions', 'return sq(x[0]) + gauss(x[1], 2) + (positive(x[2]) ? 1 : 2);', {
    functions: [
      'function sq(v) { return v * v; }',
      'function gauss(d, iv) { let e = -0.5 * iv * sq(d); return Math.exp(e); }',
      'function positive(a) { return a > 0; }',
    ],
  }),
  body('a function with a loop', 'return poly(x[0], 3) + poly(x[1], 2);', {
    functions: [
      'function poly(v, a) { let s = 0; for (let i = 0; i < 4; i++) { s = s * v + i / a; } return s; }',
    ],
  }),
  body(
    'names that mean something to the card',
    'let vec3 = x[0]; const fn_main = 2; let result = array(vec3, 1); for (let i = 0; i < 2; i++) { let i32 = i; result += filter(i32) * fn_main; } return result;',
    {
      functions: [
        'function array(self, loop) { return self + loop; }',
        'function filter(v) { return v * 2; }',
      ],
    },
  ),
  body('a parameter of a function that changes', 'return down(x[0], 3);', {
    functions: ['function down(a, b) { a -= b; for (let i = 0; i < 2; i++) b += a; return b; }'],
  }),
  {
    name: 'each output by its number',
    text: 'function (x, j) { if (j === 0) return x[0]; return x[j % 3] * j + this.constants.c[j]; }',
    options: { outputs: 6, constants: { c: [1, 2, 3, 4, 5, 6] } },
  },
  { name: 'an arrow function', text: '(x) => x[0] * x[1] - 2' },
  {
    name: 'an arrow function with a body',
    text: 'x => { let s = 0; for (let i = 0; i < 3; i++) s += x[i]; return s; }',
  },
  { name: 'a method', text: 'density(x) { return x[0] - 0.5; }' },
  { name: 'a named function', text: 'function density(x) { return x[0] + 0.5; }' },
  body(
    'what a minifier makes of branches',
    'let s=0,t=1;return x[0]>1?(s+=2,t*=3):x[1]>0&&(s-=1,t=x[2]),s>0||(t+=1),s+t',
  ),
  body(
    'what a minifier makes of loops',
    'let t=0;for(let e=0;e<3&&!(x[e]>6);e++)t+=x[e],t>2&&(t/=2);return t=t+1,t*2',
  ),
  body('what a minifier makes of early returns', 'if(x[0]<0)return 1/0>x[0]?-1:2;return x[1]<0?x[1]/2:5'),
  body(
    'var',
    'var s = 0; for (var i = 0; i < 3; i++) { var t = x[i]; s += t; } for (var i = 0; i < 2; i++) s += i; return s;',
  ),
];

/** A kernel of the corpus. */
export function corpusKernel({ name, text, options }: Case): GpuKernel {
  return gpuKernel(text, { dims: 3, name, ...options });
}
