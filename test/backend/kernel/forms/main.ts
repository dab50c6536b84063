import { answers } from './kernels.ts';

// Infinities, which JSON does not have, go out as texts.
const text = JSON.stringify(await answers(process.argv[2] === 'card'), (_, value) =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
);
process.stdout.write(`${text}\n`);
