import { expect, test } from 'vitest';
import { type GpuKernelOptions, gpuKernel, OptionError } from '../../../engine/index.ts';

/** A text with the place of its fault marked by « before it, and what the message must say. */
type Row = readonly [text: string, says: RegExp, options?: Partial<GpuKernelOptions>];

const constants = {
  d: 3,
  mu: [
    [1, 2],
    [3, 4],
  ],
  bandwidth: 0.5,
};

const REFUSED: readonly Row[] = [
  // Traps of compute.md, section 2.
  ['«Math.imul(x[0], 3)', /Math\.imul.*32 bits/],
  ['«x[0] & 255', /operator `&` works on the bits.*arithmetic/],
  ['«x[0] >>> 0', /operator `>>>`/],
  ['«~x[0]', /operator `~`/],
  ['«Math.clz32(x[0])', /clz32/],
  ['x[0] % «1234567891', /float32 makes 1234567891 1234567936/],
  ['x[0] === «16777217 ? 1 : 0', /float32 makes 16777217 16777216/],
  [
    'x[0] + «16777217 - 16777216',
    /float32 makes 16777217 16777216; expected integers up to 2\^24.*Math\.fround/,
  ],
  ['x[0] - «2.99792458e8', /float32 makes 299792458 299792448/],
  ['x[0] + («16777216 + 1)', /float32 makes 16777217 16777216/],
  ['x[0] < «16777217 ? 1 : 0', /float32 makes 16777217 16777216/],
  ['Math.max(x[0], «16777217)', /float32 makes 16777217 16777216/],
  ['Math.floor(x[0] / «16777217)', /float32 makes 16777217 16777216/],
  ['x[0] > 0 ? «-16777217 : 0', /float32 makes -16777217 -16777216/],
  [
    '(«x[0] * 1103515245 + 12345) % 2147483648',
    /float32 makes 1103515245 1103515264, which changes the remainder/,
  ],
  [
    '«this.constants.a[1] % 10',
    /float32 makes 16777217 16777216, which changes the remainder/,
    { constants: { a: [1, 16777217] } },
  ],
  ['«this.constants.a[x[0]][0] % 10', /float32 makes 16777217/, { constants: { a: [[1], [16777217]] } }],
  ['(«1 - this.constants.a[1]) % 10', /float32 makes 16777217/, { constants: { a: [1, 16777217] } }],
  ['x[0] === «this.constants.a[1] ? 1 : 0', /float32 makes 16777217/, { constants: { a: [1, 16777217] } }],
  [
    '«this.constants.a[1] !== 16777216 ? 1 : 0',
    /float32 makes 16777217/,
    { constants: { a: [1, 16777217] } },
  ],
  [
    '«this.constants.a[1] - 16777216 === 0 ? 1 : 0',
    /float32 makes 16777217/,
    { constants: { a: [1, 16777217] } },
  ],
  [
    'part(this.constants.a[1])',
    /float32 makes 16777217/,
    { constants: { a: [1, 16777217] }, functions: ['function part(v) { return v % 10; }'] },
  ],
  [
    '«half(this.constants.a[1]) % 10',
    /float32 makes 16777217/,
    { constants: { a: [1, 16777217] }, functions: ['function half(v) { return v > 0 ? Math.abs(v) : 0; }'] },
  ],
  ['x[0] * «1e39', /too large for float32/],
  ['x[0] + «1e-40', /too small for float32/],
  ['«x[0] !== x[0] ? 1 : 0', /tests for NaN/],
  ['«isNaN(x[0]) ? 1 : 0', /tests for NaN/],
  ['«Number.isFinite(x[0]) ? 1 : 0', /tests for NaN or infinity/],
  ['x[0] + «Math.random()', /`Math\.random` cannot be used here; expected random numbers as inputs/],
  ['«x[3]', /`x\[3\]` is outside its array of 3 \(index 3\); expected an index in 0\.\.2/],
  ['«x[-1]', /outside its array/],
  ['«x[0.5]', /the index is 0\.5/],
  ['«this.constants.mu[2][0]', /outside its array of 2/],
  // What is not there.
  ['«scale * x[0]', /`scale` comes from outside the function.*constants: \{ scale \}/],
  ['«foo(x[0])', /`foo` comes from outside/],
  ['«console.log(x[0])', /`console\.log\(\.\.\.\)` cannot be called/],
  ['«parseFloat(x[0])', /comes from outside/],
  ['this.constants.bandwith * 2'.replace('this', '«this'), /no constant `bandwith`.*Did you mean bandwidth/],
  ['«this.thread.x', /`this\.thread` is not there; expected this\.constants/],
  ['«this.constants', /all constants at once/],
  ['«Math.sine(x[0])', /Math\.sine.*Did you mean Math\.sin\?/],
  ['«Math.exq(x[0])', /Did you mean Math\.exp\?/],
  ['«Math.TAU * x[0]', /Math\.TAU/],
  ['«Math.sqrt(x[0], 2)', /called with 2 arguments; expected 1/],
  ['«Math.max()', /called with 0 arguments/],
  ['«x.map(x[0])', /`x\.map\(\.\.\.\)` cannot be called/],
  ['«x.foo', /`x\.foo` is not there; expected the elements/],
  ['«x[0].y', /is a number, and has no parts/],
  ['«x', /1 number is returned|is an array/],
  ['«this.constants.mu[1] * 2', /is an array where a number is needed/],
  ['«this.constants[x[0]]', /picks a constant at run time/],
  // Kinds of expression.
  ["«'text'", /'text' cannot be used here; expected numbers only/],
  ['«`text`', /a text cannot be used/],
  ['«/a/', /a regular expression/],
  ['«10n', /a BigInt/],
  ['«null', /null cannot be used/],
  ['«undefined', /`undefined` cannot be used/],
  ['x[0] + «NaN', /`NaN` cannot be used/],
  ['«{}.a', /an object cannot be written/, {}],
  ['«new Date()', /`new` cannot be used/],
  ['«typeof x[0]', /operator `typeof`/],
  ['«void 0', /operator `void`/],
  ['«delete x[0]', /operator `delete`/],
  ['«x?.[0]', /`\?\.` cannot/],
  ['«x[0] ?? 1', /operator `\?\?`/],
  ['«0 in x ? 1 : 0', /operator `in`/],
  ['«((a) => a)(x[0])', /cannot be called/],
  ['«[1, 2, 3, 4, 5]', /5 numbers are returned at once; expected at most 4.*function \(x, j\)/],
  ['[1, «[2, 3]]', /an array is written inside an expression/],
  ['[1, «...x]', /a hole or `\.\.\.`|each number/],
  [
    '1 + («x[0] > 1)',
    /is true or false where a number is needed; expected a number: write \(x\[0\] > 1 \? 1 : 0\)/,
  ],
  ['«x[0] > 1', /true or false is returned; expected a number: return c \? 1 : 0/],
  ['«x[0] / 0', /divides by 0/],
  ['x[0] * «Infinity', /Infinity is used in arithmetic.*only to be returned/],
  ['x[0] / «Number.POSITIVE_INFINITY', /Infinity is used in arithmetic/],
  ['«0 / 0', /is never a number/],
  ['«Math.sqrt(-1)', /is never a number/],
];

const STATEMENTS: readonly Row[] = [
  [
    'let s = 0; «while (s < 3) s += x[0]; return s;',
    /`while` has no bound.*`for \(let i = 0; i < 100; i\+\+\)/,
  ],
  ['let s = 0; «do { s++; } while (s < 3); return s;', /`do` has no bound/],
  [
    'let s = 0; for (let i = 0; «i < x[0]; i++) s++; return s;',
    /number of rounds is bounded by `i < x\[0\]`.*not known/,
  ],
  ['let s = 0; «for (;;) { s++; if (s > 3) break; } return s;', /bounded by nothing/],
  ['let i = 0; for (i = 0; «i < 3; i++) {} return i;', /bounded by `i < 3`.*for \(let i = 0/],
  [
    'let s = 0; for (let i = 0; i < 3; «i *= 2) s++; return s;',
    /does not move the counter by a known integer/,
  ],
  ['let s = 0; for (let i = 0; i < 1; «i += 0.1) s++; return s;', /known integer.*Count rounds/],
  [
    'let s = 0; for (let i = 0; i < 3; i++) { «i += 1; s++; } return s;',
    /counter `i` is changed inside its loop/,
  ],
  ['let s = 0; «for (let i = 0; i < 3; i--) s++; return s;', /moves away from its bound/],
  ['let s = 0; for (let i = 0; «i !== 3; i += 2) s++; return s;', /may never meet its bound/],
  ['let s = 0; for (let i = 0; «i < 1e9; i++) s++; return s;', /may take 1000000000 rounds/],
  ['let «k = 16777217; k++; return k - x[0];', /float32 makes 16777217 16777216/],
  ['const k = 16777217; return x[0] + «k;', /float32 makes 16777217 16777216/],
  [
    'let s = 0; for (let i = 0; «i < 20000000; i += 1000) s += i; return s;',
    /the counter `i` goes from 0 to 199\d+, which float32 rounds.*Count from 0/,
  ],
  [
    'let s = 0; for (let i = -16777217; «i < -16777210; i++) s += i; return s;',
    /the counter `i` goes from -16777217/,
  ],
  [
    'const v = [x[0], this.constants.a[1]]; return «v[1] % 10;',
    /float32 makes 16777217/,
    { constants: { a: [1, 16777217] } },
  ],
  [
    'let b = x[0]; for (let i = 0; i < 2; i++) b = Math.max(b, this.constants.a[i]); return «b % 10;',
    /float32 makes 16777217/,
    { constants: { a: [1, 16777217] } },
  ],

  [
    'let s = 0; for (let i = 0; i < 5; «i++, s++) { if (i > 2) continue; } return s;',
    /changes 2 variables, and its body has `continue`/,
  ],
  ['let s = 0; «for (const v of x) s += v; return s;', /`for \.\.\. of` cannot/],
  ['let s = 0; «for (const k in x) s += x[k]; return s;', /`for \.\.\. in` cannot/],
  ['«switch (x[0]) { case 1: return 1; } return 0;', /`switch` cannot/],
  ['«try { return 1; } catch { return 2; }', /`try` cannot/],
  ["«throw new Error('no');", /`throw` cannot.*`return NaN`/],
  ['«a: for (let i = 0; i < 3; i++) { break a; } return 0;', /a label/],
  [
    '«function inner(a) { return a; } return inner(x[0]);',
    /a function inside the function.*option `functions`/,
  ],
  ['const inner = «(a) => a; return inner(x[0]);', /a function inside the function/],
  // As tools that keep names write these.
  [
    '«__name(inner, "inner"); function inner(a) { return a; } return inner(x[0]);',
    /a function inside the function.*option `functions`/,
  ],
  ['const inner = __name(«(a) => a, "inner"); return inner(x[0]);', /a function inside the function/],
  ['«x[0] = 1; return 2;', /`x\[0\]` cannot be written/],
  ['«x = 1; return 2;', /`x` cannot be written/],
  ['«this.constants.d = 1; return 2;', /cannot be written/],
  ['const a = x[0]; «a = 2; return a;', /`a` cannot be written/],
  ['«y = 2; return y;', /`y` comes from outside/],
  ['let s; if (x[0] > 0) s = 1; return «s;', /`s` may have no value yet.*let s = 0/],
  ['let s; return «s + 1;', /may have no value/],
  ['const t = «s + 1; let s = 2; return t;', /used before it is declared/],
  ['if (x[0] > 0) { var t = 1; } return «t;', /`t` is used outside the block that declares it/],
  ['var s = 1; { var «s = 2; } return s;', /declared twice/],
  ['let s = 1; «s = x[0] > 1; return s;', /holds true or false elsewhere|holds a number elsewhere/],
  ['return;', /gives nothing back/],
  ['«x[0] + 1; return 2;', /has no effect/],
  ['«Math.exp(x[0]); return 2;', /has no effect/],
  ['const s = 1 + («y = 2); return s;', /an assignment is used inside an expression/],
  ['let i = 0; const s = 1 + «i++; return s;', /the value of `\+\+` or `--` is used/],
  ['let s = 1; «s ||= 2; return s;', /`\|\|=` cannot/],
  ['let s = 1; «s |= 2; return s;', /operator `\|` works on the bits/],
  ['const v = «[1, 2, 3, 4, 5]; return v[0];', /an array of 5 is written in the kernel.*option `constants`/],
  ['const v = [1, «-Infinity]; return v[0];', /-Infinity is used in arithmetic/],
  ['const v = [1, «[2]]; return v[0];', /something else than numbers/],
  ['let v = [1, 2]; «v = x[0]; return v[0];', /cannot be written|is an array/],
  [
    'const v = [1, 2]; for (let i = 0; i < 2; i++) «v[i] = i; return v[0];',
    /`v\[i\]` cannot be written.*known number/,
  ],
  ['const { «d = 2 } = this.constants; return d;', /without defaults/],
  ['const { «mu: [a] } = this.constants; return a;', /without defaults/],
  ['const { «nope } = this.constants; return nope;', /no constant `nope`/],
  ['return «arguments[0];', /`arguments` cannot be used/],
  ['if (x[0] > 0) return 1; return «[1, 2];', /2 numbers are returned; expected 1/],
  ['if (x[0] > 0) return 1;»', /may end without `return`/],
  ['for (let i = 0; i < 3; i++) { return 1; }»', /may end without `return`/],
  ['«cov_1a2b().s[0]++; return 1;', /a coverage tool put `cov_1a2b` into the function.*kind v8/],
];

/** Rows for test.each. */
function rows(table: readonly Row[]): { text: string; says: RegExp; options: Partial<GpuKernelOptions> }[] {
  return table.map(([text, says, options = {}]) => ({ text, says, options }));
}

/** Message of the error that a text gives, and that its place is the marked one. */
function message(marked: string, options: Partial<GpuKernelOptions>): string {
  const text = marked.replace(/[«»]/, '');
  const lines = marked.slice(0, Math.max(0, marked.search(/[«»]/))).split('\n');
  try {
    gpuKernel(text, { dims: 3, name: 'bad', constants, ...options });
  } catch (error) {
    expect(error, marked).toBeInstanceOf(OptionError);
    const found = (error as Error).message;
    if (/[«»]/.test(marked)) {
      const place = `line ${lines.length}, column ${lines.at(-1)!.length + 1}: `;
      expect(found, marked).toContain(place);
    }
    return found;
  }
  throw new Error(`${text} was accepted`);
}

test.each(rows(REFUSED))('gpuKernel(): refuses the expression $text', ({ text, says, options }) => {
  expect(message(`function (x) {\n  return ${text};\n}`, options)).toMatch(says);
});

test.each(rows(STATEMENTS))('gpuKernel(): refuses the statements $text', ({ text, says, options }) => {
  expect(message(`function (x) {\n  ${text}}`.replace('»}', '»}'), options)).toMatch(says);
});

/** Whole functions and their options. */
const WHOLE: readonly Row[] = [
  ['«async function (x) { return x[0]; }', /the function is async/],
  ['«function* (x) { return x[0]; }', /a generator/],
  ['function («x = [1]) { return x[0]; }', /a parameter is a pattern or has a default value/],
  ['function («...x) { return x[0]; }', /a parameter is a pattern/],
  ['function («[a, b]) { return a; }', /a parameter is a pattern.*read x\[0\], x\[1\]/],
  ['function (x, «j) { return x[j]; }', /there is no option `outputs`/],
  ['function (x, j, «k) { return x[j]; }', /takes 3 parameters/, { outputs: 2 }],
  ['function (x, j) { return «[x[j], 1]; }', /an array is returned by a function \(x, j\)/, { outputs: 2 }],
  ['function (x) { return «[x[0], 1]; }', /2 numbers are returned; expected 3/, { outputs: 3 }],
  ['function (x) { return «x[0]; }', /1 number is returned; expected 2/, { outputs: 2 }],
  ['(x) => «this.constants.d * x[0]', /`this` in an arrow function.*function \(x\)/],
  ['function (x) {\n  let s = 0;\n  return s +\n    «Math.random();\n}', /Math\.random/],
  ['function (x) { return x[ «}', /does not parse \(Unexpected token\)/],
  ['function (x) { return 1; } «function (y) {}', /there is more after its end/],
  ['function f(x) { return «f(x) + 1; }', /`f` comes to call itself; expected a loop/],
  ['«class A {}', /this is not a function/],
  ['«x[0] * 2', /this is not a function/],
  [
    '(x) => «f(x[0], 2)',
    /`f` is called with 2 arguments; expected 1/,
    { functions: ['function f(a) { return a; }'] },
  ],
  [
    '(x) => «f * 2',
    /function `f` is used without calling it/,
    { functions: ['function f(a) { return a; }'] },
  ],
  [
    '(x) => 1',
    /function f: line 1, column 26: `f` comes to call itself/,
    { functions: ['function f(a) { return 1+f(a - 1); }'] },
  ],
  [
    '(x) => 1',
    /function [fg]: line 1, column 24: `[fg]` comes to call itself/,
    { functions: ['function f(a) { return g(a); }', 'function g(a) { return f(a); }'] },
  ],
  ['(x) => 1', /function f: .* has no `this`/, { functions: ['function f(a) { return this.constants.d; }'] }],
  ['(x) => 1', /function f: .*`f` returns an array/, { functions: ['function f(a) { return [a, a]; }'] }],
  [
    '(x) => 1',
    /function f: .*`f` returns a number here, and true or false elsewhere/,
    { functions: ['function f(a) { if (a > 1) return a > 2; return 1; }'] },
  ],
  [
    '(x) => 1',
    /two functions are called `f`/,
    { functions: ['function f(a) { return a; }', 'function f(b) { return b; }'] },
  ],
  ['(x) => 1', /has no name/, { functions: ['(a) => a'] }],
  // What a JavaScript user may pass.
  ['(x) => 1', /option `functions` is .*; expected an array/, { functions: { f: '(a) => a' } as never }],
  ['(x) => 1', /function exp: .*comes from outside/, { functions: ['function exp(a) { return a * y; }'] }],
  ['(x) => 1', /option `dims` is 0; expected an integer >= 1/, { dims: 0 }],
  ['(x) => 1', /option `dims` is 2\.5/, { dims: 2.5 }],
  ['(x) => 1', /option `outputs` is 0/, { outputs: 0 }],
  ['(x) => 1', /no option `output`.*Did you mean outputs/, { output: 1 } as never],
  ['(x) => 1', /`constants\.a` is "1"; expected a number/, { constants: { a: '1' } } as never],
  ['(x) => 1', /`constants\.a` is NaN/, { constants: { a: NaN } }],
  [
    '(x) => 1',
    /`constants\.a\[1\]` is an array of 1; expected an array of 2/,
    { constants: { a: [[1, 2], [3]] } },
  ],
  ['(x) => 1', /`constants\.a\[1\]` is Infinity/, { constants: { a: [1, Infinity] } }],
  ['(x) => 1', /`constants\.a` is an array of 0; expected at least one number/, { constants: { a: [] } }],
  ['(x) => 1', /at most 16777216 numbers/, { constants: { a: new Float32Array(2 ** 24 + 1) } }],
  ['(x) => 1', /`constants` is an array of 1/, { constants: [1] } as never],
];

test.each(rows(WHOLE))('gpuKernel(): refuses the function $text', ({ text, says, options }) => {
  expect(message(text, options)).toMatch(says);
});

test('gpuKernel(): refuses what has no text of its own', () => {
  expect(() => gpuKernel(Math.abs as never, { dims: 1 })).toThrow(/built in or came out of bind/);
  expect(() => gpuKernel(((x: Float64Array) => x[0]!).bind(undefined), { dims: 1 })).toThrow(/bind\(\)/);
  expect(() => gpuKernel(undefined as never, { dims: 1 })).toThrow(/the function is missing/);
});

test('gpuKernel(): an error names the kernel, the line and the column', () => {
  const overflow = `function overflow(x) {
  const a = x[0];
  return a + Math.random();
}`;
  expect(() => gpuKernel(overflow, { dims: 1, name: 'overflow' })).toThrow(
    'gpuKernel overflow: line 3, column 14: `Math.random` cannot be used here; expected random numbers as inputs of the model, which come from the seed of the run.',
  );
});
