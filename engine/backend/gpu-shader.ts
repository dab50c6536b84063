import type { Shader } from './gpu-types.ts';

/** Lanes of a work group. */
export const LANES = 256;

/** A shader made ready for a device. */
export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Names of buffers, in the order of their bindings from 1 on. */
  readonly buffers: readonly string[];
  /** Parameters in the order of their words, after the number of items. */
  readonly params: readonly (readonly [name: string, type: string])[];
}

/** The whole WGSL of a shader. */
export function shaderSource(shader: Shader): string {
  const params = Object.entries(shader.params);
  const struct = ['items: u32', ...params.map(([name, type]) => `${name}: ${type}`)];
  const buffers = Object.entries(shader.buffers).map(([name, use], i) => {
    const [access, type] = use.split(' ');
    return `@group(0) @binding(${i + 1}) var<storage, ${access === 'read' ? 'read' : 'read_write'}> ${name}: array<${type}>;`;
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

/** Compile a shader; errors appear in the device's error scope. */
export function makePipeline(device: GPUDevice, shader: Shader): Pipeline {
  const uses = Object.entries(shader.buffers);
  const layout = device.createBindGroupLayout({
    label: shader.name,
    entries: [
      { binding: 0, visibility: 4, buffer: { type: 'uniform' } },
      ...uses.map(([, use], i) => ({
        binding: i + 1,
        visibility: 4,
        buffer: { type: use.startsWith('read') ? ('read-only-storage' as const) : ('storage' as const) },
      })),
    ],
  });
  const module = device.createShaderModule({ label: shader.name, code: shaderSource(shader) });
  const pipeline = device.createComputePipeline({
    label: shader.name,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module, entryPoint: 'main' },
  });
  return { pipeline, layout, buffers: uses.map(([name]) => name), params: Object.entries(shader.params) };
}
