import { checkCount, show } from '../../check.ts';
import { BackendError, OptionError } from '../../errors.ts';
import { type Faults, refused } from './faults.ts';
import type { GpuMemory } from './memory.ts';
import { LANES, makePipeline, type Pipeline } from './shader.ts';
import type { GpuArray, GpuType, Shader } from './types.ts';

/** Passes that were asked for, sent to the device together. */
export interface Passes {
  run(
    shader: Shader,
    buffers: Readonly<Record<string, GpuArray>>,
    params: Readonly<Record<string, number>>,
    items: number,
  ): void;
  /** Send what is waiting. */
  flush(): void;
  clear(): void;
}

interface Pass {
  readonly shader: Shader;
  readonly made: Pipeline;
  readonly arrays: readonly GpuArray[];
  readonly items: number;
}

/** Parameters of a pass take one slot of the ring; offsets must be multiples of 256 bytes. */
const SLOT = 256;
const SLOTS = 256;
const UNIFORM = 0x40 | 0x8;
/** Items are counted by u32, and the last row of the grid of groups may reach beyond them. */
const MOST_ITEMS = 2 ** 31;

export function gpuPasses(device: GPUDevice, faults: Faults, memory: GpuMemory): Passes {
  const pipelines = new WeakMap<Shader, Pipeline>();
  const ring = device.createBuffer({ size: SLOT * SLOTS, usage: UNIFORM });
  const params = new ArrayBuffer(SLOT * SLOTS);
  const waiting: Pass[] = [];
  const pipelineOf = (shader: Shader): Pipeline => {
    const known = pipelines.get(shader) ?? makePipeline(device, faults, shader);
    pipelines.set(shader, known);
    return known;
  };
  const encode = (passes: readonly Pass[]): GPUCommandBuffer => {
    const encoder = device.createCommandEncoder();
    const open = encoder.beginComputePass();
    passes.forEach(({ made, shader, arrays, items }, slot) => {
      const uniform = { buffer: ring, offset: slot * SLOT, size: SLOT };
      const bound = arrays.map((array) => ({ buffer: memory.buffer(array, shader.name) }));
      const entries = [uniform, ...bound].map((resource, binding) => ({ binding, resource }));
      open.setPipeline(made.pipeline);
      open.setBindGroup(0, device.createBindGroup({ layout: made.layout, entries }));
      open.dispatchWorkgroups(...grid(shader, items, device.limits.maxComputeWorkgroupsPerDimension));
    });
    open.end();
    return encoder.finish();
  };
  const flush = (): void => {
    if (waiting.length === 0) return;
    const passes = waiting.splice(0);
    const uses = passes.flatMap(({ shader, arrays }) => [shader, ...arrays]);
    const spoils = passes.flatMap(({ made, arrays }) => arrays.filter((_, i) => made.buffers[i]!.writes));
    const names = [...new Set(passes.map(({ shader }) => shader.name))].join(', ');
    const tell = (complaint: string): BackendError => refused(complaint, names);
    const send = (): void => {
      device.queue.writeBuffer(ring, 0, params, 0, passes.length * SLOT);
      device.queue.submit([encode(passes)]);
    };
    faults.watch(spoils, tell, send, uses);
  };
  return {
    run(shader, buffers, values, items) {
      checkCount(shader.name, 'items', items, { min: 0, max: MOST_ITEMS, fix: 'Work in batches.' });
      const made = pipelineOf(shader);
      const arrays = bind(shader, made, buffers, memory);
      const words = parameters(shader, made, values);
      if (items === 0) return;
      if (waiting.length === SLOTS) flush();
      const slot = new Uint32Array(params, waiting.length * SLOT, 1 + words.length);
      slot[0] = items;
      slot.set(words, 1);
      waiting.push({ shader, made, arrays, items });
    },
    flush,
    clear() {
      waiting.length = 0;
      ring.destroy();
    },
  };
}

/** Groups as rows of a grid, because one row holds only 65 535 of them; rows as even as can be. */
function grid(shader: Shader, items: number, widest: number): readonly [width: number, height: number] {
  const groups = shader.per === 'item' ? Math.ceil(items / LANES) : items;
  const height = Math.ceil(groups / widest);
  return [Math.ceil(groups / height), height];
}

/**
 * The arrays of a pass in the order of their bindings.
 * @throws BackendError when one is missing, given back, of the wrong type, or written and bound twice.
 */
function bind(
  shader: Shader,
  { buffers }: Pipeline,
  given: Readonly<Record<string, GpuArray>>,
  memory: GpuMemory,
): readonly GpuArray[] {
  const arrays = buffers.map(({ name, type }) => {
    const array = given[name];
    if (array === undefined || (type !== 'words' && array.type !== type))
      throw wrongArray(shader, name, type, array);
    memory.buffer(array, shader.name);
    return array;
  });
  buffers.forEach(({ name, writes }, i) => {
    if (!writes) return;
    const twin = arrays.findIndex((array, j) => j !== i && array === arrays[i]);
    if (twin >= 0) throw boundTwice(shader, name, buffers[twin]!.name);
  });
  return arrays;
}

/**
 * Parameters as words of 32 bits.
 * @throws OptionError when one is no finite float32, or no 32-bit unsigned integer.
 */
function parameters(
  shader: Shader,
  { params }: Pipeline,
  values: Readonly<Record<string, number>>,
): Uint32Array {
  const f32 = new Float32Array(params.length);
  const u32 = new Uint32Array(f32.buffer);
  params.forEach(([name, type], k) => {
    const value = values[name]!;
    if (type === 'u32') u32[k] = value;
    else f32[k] = value;
    const fits = type === 'u32' ? u32[k] === value : Number.isFinite(f32[k]);
    if (!fits) throw badParameter(shader, name, type, value);
  });
  return u32;
}

function badParameter(shader: Shader, name: string, type: GpuType, value: unknown): OptionError {
  return new OptionError({
    where: shader.name,
    option: name,
    value,
    found: `parameter \`${name}\` is ${show(value)}`,
    expected: type === 'u32' ? 'an integer from 0 to 4 294 967 295' : 'a finite number within float32',
  });
}

function wrongArray(shader: Shader, name: string, type: string, array: GpuArray | undefined): BackendError {
  return new BackendError({
    where: shader.name,
    found: array === undefined ? `array \`${name}\` is absent` : `array \`${name}\` holds ${array.type}`,
    expected: type === 'words' ? 'an array' : `an array of ${type}`,
    tried: [],
  });
}

function boundTwice(shader: Shader, name: string, twin: string): BackendError {
  return new BackendError({
    where: shader.name,
    found: `\`${name}\`, which is written, and \`${twin}\` are the same array`,
    expected: 'an array of its own for whatever is written',
    tried: [],
  });
}
