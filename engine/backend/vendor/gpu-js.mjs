// All of gpu.js, for its own backends on the processor.
import module from 'gpu.js';

export const { GPU } = module;
