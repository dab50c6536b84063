import type { HelperFunction, ValueType } from '../generated/gpu-js.mjs';
import type { WebGPUKernel } from '../generated/translator.mjs';
import { type ElementaryName, elementary } from '../wgsl/elementary.ts';
import type { ConstantTable } from './constants.ts';
import { helperFunction } from './gpujs.ts';
import { LIBRARY } from './library.ts';
import type { LoweredKernel } from './lower.ts';
import type { KernelCode } from './types.ts';

/** A function that the translator knows by name and types; its body on the card is our own. */
const STUB = { Number: 'return this.constants.f0;', Integer: 'return this.constants.i0;' } as const;

const TYPE = { Number: 'f32', Integer: 'i32' } as const;

/** A kernel as WGSL: gpu.js translates the statements, and the functions they call are ours. */
export function kernelWgsl(
  Translator: typeof WebGPUKernel,
  kernel: LoweredKernel,
  { packed }: ConstantTable,
): KernelCode {
  const { body, helpers, pool, calls, outputs, byOutput, infinite } = kernel;
  const constants = { f0: 0, i0: 0, ...Object.fromEntries(pool) };
  const types = Object.keys(constants).map((name): [string, ValueType] => [
    name,
    name[0] === 'f' ? 'Number' : 'Integer',
  ]);
  const translator = new Translator(`function (${byOutput ? 'j' : ''}) {\n${body}\n}`, {
    output: [1],
    constants,
    constantTypes: Object.fromEntries(types),
    argumentTypes: byOutput ? ['Integer'] : [],
    loopMaxIterations: 2 ** 30,
    functions: [
      ...[...calls].map(stub),
      ...helpers.map(({ id, text, parameters }) => helperFunction(id, text, parameters)),
    ],
  });
  const values = byOutput ? [0] : [];
  translator.setupConstants();
  translator.setupArguments(values);
  translator.validateSettings(values);
  translator.translateSource();
  const own = functionsOf(translator.translatedFunctions).filter((text) => !/^fn fn_g/.test(text));
  const code = [
    declarations(outputs, infinite),
    libraryCode(calls),
    ...own,
    entry(translator.translatedBody, outputs, byOutput),
  ].join('\n');
  return { code, constants: packed };
}

function stub(name: string): HelperFunction {
  const { takes, returns } = LIBRARY[name]!;
  return {
    source: `function ${name}(${Object.keys(takes).join(', ')}) { ${STUB[returns]} }`,
    settings: { name, argumentTypes: takes, returnType: returns },
  };
}

/** The functions in a text that gpu.js wrote, which begins each on a line of its own. */
function functionsOf(text: string): string[] {
  return text.split(/^(?=fn )/m).filter((part) => part.startsWith('fn '));
}

function declarations(outputs: number, infinite: boolean): string {
  const beyond = infinite ? 'if (size == 0x7f7fffffu) { return (bits & 0x80000000u) | 0x7f800000u; }' : '';
  return `var<private> failed: bool;
var<private> result: array<f32, ${outputs}>;
var<private> kernel_at: u32;
fn kernel_check(v: f32) -> f32 {
  if ((bitcast<u32>(v) & 0x7f800000u) == 0x7f800000u) { failed = true; }
  return v;
}
fn result_bits(j: u32) -> u32 {
  let bits = bitcast<u32>(result[j]);
  let size = bits & 0x7fffffffu;
  if (failed || size >= 0x7f800000u) { return 0x7fc00000u; }
  ${beyond}
  return bits;
}`;
}

function libraryCode(calls: ReadonlySet<string>): string {
  const used = [...calls].map((name) => [name, LIBRARY[name]!] as const);
  const needs = new Set<ElementaryName>(['e_bits', ...used.flatMap(([, { needs }]) => needs)]);
  const functions = used.map(([name, { takes, returns, wgsl }]) => {
    const parameters = Object.entries(takes).map(([parameter, type]) => `${parameter}: ${TYPE[type]}`);
    return `fn fn_${name}(${parameters.join(', ')}) -> ${TYPE[returns]} {\n  ${wgsl}\n}`;
  });
  return [elementary(...needs), ...functions].join('\n');
}

/** The kernel around the translated statements, which write `result[data_index]` or `result[data_index * k + i]`. */
function entry(body: string, outputs: number, byOutput: boolean): string {
  if (!byOutput) {
    return `fn kernel_body(data_index: i32) {\n${body}\n}
fn kernel(at: u32) {
  failed = false;
  kernel_at = at;
  kernel_body(0);
  kernel_settle();
}
${settle(outputs)}`;
  }
  return `struct KernelParams { user_j: i32 }
var<private> params: KernelParams;
fn kernel_body(data_index: i32) {\n${body}\n}
fn kernel(at: u32) {
  failed = false;
  kernel_at = at;
  for (var j = 0; j < ${outputs}; j++) {
    params.user_j = j;
    kernel_body(j);
  }
  kernel_settle();
}
${settle(outputs)}`;
}

/** An output that is not finite makes the point fail as a whole: all its outputs are NaN, for those who read them as they are. */
function settle(outputs: number): string {
  return `fn kernel_settle() {
  for (var j = 0; j < ${outputs}; j++) { _ = kernel_check(result[j]); }
  if (failed) {
    for (var j = 0; j < ${outputs}; j++) { result[j] = e_bits(0x7fc00000u); }
  }
}`;
}
