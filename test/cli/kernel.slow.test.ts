import { expect, test } from 'vitest';
import { describeGpu } from '../support/gpu.ts';
import { folderOf, run, runTogether } from './command.ts';

const KERNEL = `import { gpuKernel, uniform } from 'ensample';
export const inputs = { a: uniform(-1, 1), b: uniform(0, 2), c: uniform(0, 1) };
export default gpuKernel((x: Float64Array) => Math.sin(x[0]!) + x[1]! * x[2]!, { dims: 3, name: 'tide' });
`;
const FUNCTION = `import { uniform } from 'ensample';
export const inputs = { a: uniform(-1, 1), b: uniform(0, 2) };
export default ({ a, b }) => a * b;
`;
const FILES = { 'tide.ts': KERNEL, 'plain.mjs': FUNCTION };

/** The totals that a command printed with --json. */
function totals(out: string): readonly number[] {
  return JSON.parse(out).indices.ST.value;
}

function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

test('a model module that exports a gpuKernel runs on the processor, on all threads', async () => {
  const folder = folderOf(FILES);
  try {
    const { code, out, err } = await run(folder.path, 'sobol tide.ts -n 4096 --seed 7 --backend wasm');
    expect(code, err).toBe(0);
    expect(out).toMatch(/\na +0\.\d/);
    expect(flat(err)).toMatch(/Host WASM SIMD, \d+ threads?, seed 7/);
  } finally {
    folder.remove();
  }
});

test('a long run of a kernel that finds no card says so; a short one does not look for any', async () => {
  const folder = folderOf(FILES);
  const none = { VK_DRIVER_FILES: '/no/driver.json' };
  try {
    const commands = ['sobol tide.ts -n 262144 --seed 7', 'sobol tide.ts -n 1024 --seed 7'];
    const [long, short] = await runTogether(folder.path, commands, none);
    expect(flat(long!.err)).toContain('Ran on the processor: no GPU was found (');
    expect(short!.err).not.toContain('GPU');
  } finally {
    folder.remove();
  }
});

describeGpu('the command with a card', () => {
  const env = { VK_DRIVER_FILES: process.env.VK_DRIVER_FILES ?? '' };
  const CARD = '--backend webgpu --allow-software-gpu --seed 7';

  test('a kernel gives the indices of the processor, and adapter and float32 are told; a state goes on there', async () => {
    const folder = folderOf(FILES);
    try {
      const there = await run(folder.path, `sobol tide.ts -n 16384 ${CARD} --report r.html`, env);
      expect(there.code, there.err).toBe(0);
      expect(flat(there.err)).toMatch(/standard deviation [\d.]+\. .+, float32, seed 7/);
      const json = await run(folder.path, `sobol tide.ts -n 16384 ${CARD} --json --resume s.state`, env);
      expect(JSON.parse(json.out).backend).toBe('webgpu');
      const [host, more] = await runTogether(folder.path, [
        'sobol tide.ts -n 16384 --seed 7 --backend wasm --json',
        'sobol tide.ts -n 32768 --backend wasm --json --resume s.state',
      ]);
      totals(host!.out).forEach((total, i) => {
        expect(Math.abs(total - totals(json.out)[i]!)).toBeLessThan(1e-4);
      });
      expect(more!.code, more!.err).toBe(0);
    } finally {
      folder.remove();
    }
  });

  test('a model in JavaScript is refused with exit code 2', async () => {
    const folder = folderOf(FILES);
    try {
      const { code, err } = await run(folder.path, `sobol plain.mjs -n 4096 ${CARD}`, env);
      expect(code).toBe(2);
      expect(flat(err)).toContain('Wrap it in gpuKernel, or use --backend auto.');
    } finally {
      folder.remove();
    }
  });
});
