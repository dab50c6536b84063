import { elementary } from './elementary.ts';

/** The parts of the kernel of a mixture that depend on how sums over d are written. */
interface Form {
  /** Reads the point at x[at]; zeros for what is summed. */
  readonly start: string;
  /** The squared distance `square` to the component whose numbers start at constants[first]. */
  readonly distance: string;
  /** What is summed, scaled by `old`, plus `fresh` times W' z. */
  readonly add: string;
  /** Minus the sums over `total` into `result`. */
  readonly finish: string;
}

/** Dimensions up to which a kernel is written out. */
const WRITTEN_OUT = 8;

/** Numbers of a component: c_k, mu_k [d], the lower triangle of W_k by rows. */
function stride(d: number): number {
  return 1 + d + (d * (d + 1)) / 2;
}

/** WGSL of `mixtureKernel` in mixture.ts. */
export function mixtureCode(d: number, withScore: boolean): string {
  const { start, distance, add, finish } = d <= WRITTEN_OUT ? writtenOut(d) : looped(d, withScore);
  return `${elementary('e_exp', 'e_log')}
var<private> failed: bool;
var<private> result: array<f32, ${withScore ? d + 1 : 1}>;
fn result_bits(j: u32) -> u32 { return bitcast<u32>(result[j]); }
fn kernel(at: u32) {
  ${start}
  var total = 0.0;
  var most = -3e38;
  let size = arrayLength(&constants);
  for (var first = 0u; first < size; first += ${stride(d)}u) {
    ${distance}
    let v = constants[first] - 0.5 * square;
    let larger = v > most;
    let e = e_exp(-abs(v - most));
    let old = select(1.0, e, larger);
    let fresh = select(e, 1.0, larger);
    total = total * old + fresh;
    most = max(most, v);
    ${withScore ? add : ''}
  }
  ${withScore ? finish : ''}
  result[${withScore ? d : 0}] = most + e_log(total);
}`;
}

/** Without arrays, which leave the registers on some cards: a quarter of the time on SwiftShader at d = 2. */
function writtenOut(d: number): Form {
  const all = Array.from({ length: d }, (_, j) => j);
  const lines = (make: (j: number) => string): string => all.map(make).join('\n');
  const constant = (at: number): string => `constants[first + ${at}u]`;
  const w = (i: number, j: number): string => `w${(i * (i + 1)) / 2 + j}`;
  const row = (i: number): string => {
    const own = all.slice(0, i + 1);
    const loads = own.map((j) => `let ${w(i, j)} = ${constant(1 + d + (i * (i + 1)) / 2 + j)};`);
    return `${loads.join(' ')} let z${i} = ${own.map((j) => `${w(i, j)} * y${j}`).join(' + ')};`;
  };
  const column = (j: number): string =>
    all
      .slice(j)
      .map((i) => `${w(i, j)} * z${i}`)
      .join(' + ');
  return {
    start: lines((j) => `let x${j} = x[at + ${j}u]; var sum${j} = 0.0;`),
    distance: `${lines((j) => `let y${j} = x${j} - ${constant(1 + j)};`)}
${lines(row)}
let square = ${all.map((i) => `z${i} * z${i}`).join(' + ')};`,
    add: lines((j) => `sum${j} = sum${j} * old + fresh * (${column(j)});`),
    finish: lines((j) => `result[${j}] = -sum${j} / total;`),
  };
}

/** In loops: written out, the compiler would take seconds at d = 30. */
function looped(d: number, withScore: boolean): Form {
  // The zeros are written out: in a loop, Dawn leaves a variable without a value what it was one round before.
  const own = withScore
    ? [`var own = array<f32, ${d}>();`, 'for (var j = 0u; j <= i; j++) { own[j] += constants[w + j] * z; }']
    : ['', ''];
  return {
    start: `var point: array<f32, ${d}>;
for (var j = 0u; j < ${d}u; j++) { point[j] = x[at + j]; }
var sum: array<f32, ${d}>;`,
    distance: `var y: array<f32, ${d}>;
for (var j = 0u; j < ${d}u; j++) { y[j] = point[j] - constants[first + 1u + j]; }
${own[0]}
var square = 0.0;
var w = first + ${1 + d}u;
for (var i = 0u; i < ${d}u; i++) {
  var z = 0.0;
  for (var j = 0u; j <= i; j++) { z += constants[w + j] * y[j]; }
  ${own[1]}
  square += z * z;
  w += i + 1u;
}`,
    add: `for (var j = 0u; j < ${d}u; j++) { sum[j] = sum[j] * old + own[j] * fresh; }`,
    finish: `for (var j = 0u; j < ${d}u; j++) { result[j] = -sum[j] / total; }`,
  };
}
