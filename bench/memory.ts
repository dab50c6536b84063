/**
 * Peak memory of the whole process for second-order indices of 20 inputs at 16 384 points with 1000 bootstrap
 * resamples; fails above 400 MB:
 *
 *   npx tsx bench/memory.ts
 */
import { run, sobolIndices } from 'ensample';
import { fading, gFunction } from './functions.ts';

const LIMIT = 400;
const { inputs, evaluate } = gFunction(fading(20));
const options = { inputs, model: evaluate, points: 16_384, replicates: 1, secondOrder: true } as const;
await run(sobolIndices({ ...options, interval: 'bootstrap', resamples: 1000 }), { seed: 7 });

const peak = process.resourceUsage().maxRSS / 1024;
console.log(`peak memory ${peak.toFixed(0)} MB (limit ${LIMIT} MB)`);
if (peak > LIMIT) process.exitCode = 1;
