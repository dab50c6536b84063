import { execFile, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { openEvaluator } from '../../../engine/model/evaluator.ts';
import { openLogDensity } from '../../../engine/model/log-density.ts';
import { serveModel, umBridge } from '../../../estimators/index.ts';

/**
 * A Python that has the package `umbridge`: of ENSAMPLE_PYTHON, or python3. Make one with
 * `python3 -m venv DIR && DIR/bin/pip install umbridge`, then ENSAMPLE_PYTHON=DIR/bin/python.
 */
const python = [process.env.ENSAMPLE_PYTHON, 'python3'].find(
  (name) => name !== undefined && spawnSync(name, ['-c', 'import umbridge']).status === 0,
);
if (python === undefined)
  console.warn(
    'SKIPPED: UM-Bridge with the Python package, because no Python with `umbridge` is there (ENSAMPLE_PYTHON).',
  );

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

async function until(answers: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (
      await answers().then(
        () => true,
        () => false,
      )
    )
      return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test.skipIf(python === undefined)(
  'umBridge(): a server of the Python package gives values, gradients, -Infinity and its failures',
  async () => {
    const port = await freePort();
    const child = spawn(python!, [script('served.py'), String(port)], { stdio: 'ignore' });
    const url = `http://127.0.0.1:${port}`;
    try {
      await until(() => fetch(`${url}/Info`));
      const backend = jsBackend();
      const { signal } = new AbortController();
      const model = umBridge({ url, config: { scale: 2 } });
      const names = ['a', 'b', 'c'];
      const evaluator = await openEvaluator({ where: 'test', model, names, planned: 3, backend, signal });
      const x = backend.arena().f64(9);
      // Whole numbers must arrive as floats: Python has no 1 ** -1 for arrays of integers.
      x.set([0.5, 2, 3, 0.95, 1, 1, 0.05, 1, 1]);
      const { y, failures } = await evaluator.evaluate(x, 3);
      expect(y[0]).toBe(2 * (0.5 + 4) ** -1 * 3);
      expect(failures.map(({ index, reason }) => [index, reason.slice(0, 19)])).toEqual([
        [1, 'answered 500: 500 I'],
        [2, 'returned -Infinity'],
      ]);
      evaluator.dispose();
      const source = umBridge({ url });
      const density = await openLogDensity({
        where: 'test',
        source,
        dimension: 3,
        planned: 1,
        backend,
        signal,
      });
      const gradient = new Float64Array(6);
      const out = new Float64Array(2);
      x.set([0.5, 2, 3, 0.05, 1, 1]);
      await density.evaluate(x, 2, out, gradient);
      expect([...out]).toEqual([3 / 4.5, -Infinity]);
      expect([...gradient.subarray(0, 3)]).toEqual([-3 / 4.5 ** 2, -6 / 4.5 ** 2, 1 / 4.5]);
      density.dispose();
    } finally {
      child.kill('SIGKILL');
    }
  },
);

test.skipIf(python === undefined)(
  'serveModel(): the client of the Python package gets values, derivatives, -inf and errors',
  async () => {
    const server = await serveModel({
      logDensity: {
        logDensity(x, out) {
          for (let i = 0; i < out.length; i++)
            out[i] = x[2 * i]! < -3 ? -Infinity : -x[2 * i]! * x[2 * i + 1]!;
        },
        gradient(x, out, gradient) {
          for (let i = 0; i < out.length; i++) {
            out[i] = -x[2 * i]! * x[2 * i + 1]!;
            gradient.set([-x[2 * i + 1]!, -x[2 * i]!], 2 * i);
          }
        },
      },
      ...{ inputs: ['a', 'b'], port: 0, backend: jsBackend() },
    });
    try {
      const { stdout } = await promisify(execFile)(python!, [script('asking.py'), server.url]);
      expect(JSON.parse(stdout)).toEqual({
        name: 'posterior',
        inputs: [2],
        outputs: [1],
        gradients: [true, true, false],
        value: [[-1]],
        none: true,
        gradient: [-6, -1.5],
        jacobian: [-7],
        wrong: 'Model returned error of type InvalidInput: Vector 0 of input has length 1; expected 2.',
      });
    } finally {
      await server.close(0);
    }
  },
);
