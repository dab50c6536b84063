import { BackendError } from '../../errors.ts';
import { type Faults, refused } from './faults.ts';
import type { GpuType, Shader } from './types.ts';

/** Lanes of a work group. */
export const LANES = 256;

/** A shader made ready for a device. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** In the order of their bindings, from 1 on. */
  readonly buffers: readonly {
    readonly name: string;
    readonly type: GpuType | 'words';
    readonly writes: boolean;
  }[];
  /** In the order of their words, after the number of items. */
  readonly params: readonly (readonly [name: string, type: GpuType])[];
}

/** The whole WGSL of a shader. */
export function shaderSource(shader: Shader): string {
  const params = Object.entries(shader.params);
  const struct = ['items: u32', ...params.map(([name, type]) => `${name}: ${type}`)];
  const buffers = Object.entries(shader.buffers).map(([name, use], i) => {
    const [access, type] = use.split(' ');
    const mode = access === 'read' ? 'read' : 'read_write';
    const element = type === 'words' ? 'u32' : type;
    return `@group(0) @binding(${i + 1}) var<storage, ${mode}> ${name}: array<${element}>;`;
  });
  // Groups fold into rows of the grid, because one row holds only 65 535 of them.
  const call =
    shader.per === 'item'
      ? `let i = g * LANES + lane; if (i < p.items) { item(i); }`
      : // The compiler must see that whole groups leave together, hence no early return.
        'if (g < p.items) { group(g, lane); }';
  return `const LANES = ${LANES}u;
struct Params { ${struct.join(', ')} }
@group(0) @binding(0) var<uniform> p: Params;
${buffers.join('\n')}
${shader.code}
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) w: vec3<u32>, @builtin(num_workgroups) n: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let g = w.y * n.x + w.x;
  ${call}
}`;
}

/** Words of the parameters in 256 bytes, the number of items included. */
const MOST_PARAMS = 63;

/**
 * Compile a shader. What the compiler says against it befalls the passes that use it.
 * @throws BackendError when it has more arrays than this device can bind, or more parameters than 63.
 */
export function makePipeline(device: GPUDevice, faults: Faults, shader: Shader): Pipeline {
  const buffers = Object.entries(shader.buffers).map(([name, use]) => {
    const [access, type] = use.split(' ') as ['read' | 'write', GpuType | 'words'];
    return { name, type, writes: access === 'write' };
  });
  const params = Object.entries(shader.params);
  checkSize(shader, 'arrays', buffers.length, device.limits.maxStorageBuffersPerShaderStage);
  checkSize(shader, 'parameters', params.length, MOST_PARAMS);
  const kinds = buffers.map(({ writes }) => (writes ? 'storage' : 'read-only-storage'));
  const tell = (complaint: string): BackendError => refused(complaint, `the shader ${shader.name}`);
  return faults.watch([shader], tell, () => {
    const layout = device.createBindGroupLayout({
      label: shader.name,
      entries: ['uniform' as const, ...kinds].map((type, binding) => ({
        binding,
        visibility: 4,
        buffer: { type },
      })),
    });
    const module = device.createShaderModule({ label: shader.name, code: shaderSource(shader) });
    const pipeline = device.createComputePipeline({
      label: shader.name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    return { pipeline, layout, buffers, params };
  });
}

function checkSize(shader: Shader, what: string, found: number, most: number): void {
  if (found <= most) return;
  throw new BackendError({
    where: shader.name,
    found: `it has ${found} ${what}`,
    expected: `at most ${most}`,
    tried: [],
  });
}
