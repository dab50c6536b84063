// Only the part of gpu.js that writes WGSL: it needs no device, no window and no `new Function`.
import module from 'gpu.js/src/backend/web-gpu/kernel.js';

export const { WebGPUKernel } = module;
