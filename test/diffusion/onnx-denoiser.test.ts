import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Denoiser, Prediction } from '../../engine/diffusion/denoiser.ts';
import { onnxDenoiser } from '../../engine/diffusion/onnx-denoiser.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { preconditionedDenoiser } from '../../engine/diffusion/preconditioned.ts';
import { linearReward } from '../../engine/diffusion/reward.ts';
import { rectifiedFlow, veLinear } from '../../engine/diffusion/schedules.ts';
import { vpDiscrete } from '../../engine/diffusion/table-schedules.ts';
import { run } from '../../engine/run.ts';
import { corrector } from '../../estimators/corrector/corrector.ts';
import { guide } from '../../estimators/corrector/presets.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import { steering } from '../../estimators/corrector/steering/steering.ts';
import { diffusionChain } from '../../estimators/tree/diffusion-chain.ts';
import { type OnnxGraph, onnxFile, tinyNetwork } from '../support/onnx-model.ts';
import {
  counted,
  expectNear,
  numbers,
  points,
  predicted,
  schedule,
  shared,
  tiny,
  twin,
} from '../support/onnx-twin.ts';

describe('an ONNX network is its plain function', () => {
  test('to 1e-6, for any number of points and blocks', async () => {
    for (const [n, batch] of [
      [1, undefined],
      [37, 8],
      [64, 64],
    ] as const) {
      const x = points(n);
      const denoiser = await tiny(batch === undefined ? {} : { batch });
      expectNear(
        await predicted(denoiser, x, 0.3),
        await numbers(
          twin({}, (t) => t),
          x,
          0.3,
        ),
      );
    }
  });

  test('with times of rows: 5 times in one run of mixed rows', async () => {
    const { session, runs } = counted(tinyNetwork().graph);
    const denoiser = await tiny({ model: await session });
    const x = points(11);
    const time = Float64Array.from({ length: 11 }, (_, i) => 0.1 + 0.17 * (i % 5));
    expectNear(
      await predicted(denoiser, x, time),
      await numbers(
        twin({}, (t) => t),
        x,
        time,
      ),
    );
    expect(runs).toEqual([11]);
  });

  test('where it takes one time for all rows, rows of one time go together', async () => {
    for (const timeShape of [[], [1]]) {
      const { session, runs } = counted(tinyNetwork({ timeShape }).graph);
      const denoiser = await tiny({ model: await session });
      const time = Float64Array.of(0.2, 0.2, 0.9, 0.4, 0.4);
      const x = points(5);
      expectNear(
        await predicted(denoiser, x, time),
        await numbers(
          twin({}, (t) => t),
          x,
          time,
        ),
      );
      expect(runs).toEqual([2, 1, 2]);
    }
  });

  test('in all ways of telling the time', async () => {
    const x = points(6);
    const table = vpDiscrete();
    const cases = [
      { own: { time: 'noise-level' }, label: (t: number) => schedule.noise(t) / schedule.signal(t) },
      { own: { time: 'log-snr' }, label: (t: number) => schedule.logSnr(t) },
      { own: { time: (t: number) => 2 * t + 1 }, label: (t: number) => 2 * t + 1 },
      { own: { time: 'index', schedule: table }, label: (t: number) => t * 1000 - 1 },
      { own: { time: 'index', steps: 10 }, label: (t: number) => t * 10 - 1 },
    ] as const;
    for (const { own, label } of cases)
      for (const time of [0.37, Float64Array.of(0.1, 0.1, 0.5, 0.731, 0.9, 0.9)])
        expectNear(
          await predicted(await tiny(own, { timeScale: 1e-3 }), x, time),
          await numbers(twin({ timeScale: 1e-3 }, label), x, time),
        );
  });

  test('index inputs take the nearest integer, 0 at least and M - 1 at most', async () => {
    for (const timeType of ['int64', 'int32', 'float64'] as const) {
      const denoiser = await tiny({ time: 'index', schedule: vpDiscrete() }, { timeType, timeScale: 1e-3 });
      const whole = timeType !== 'float64';
      const label = (t: number): number => {
        const own = Math.min(999, Math.max(0, 1000 * t - 1));
        return whole ? Math.round(own) : own;
      };
      const time = Float64Array.of(0, 0.0004, 0.3, 0.5007, 1);
      const x = points(5);
      expectNear(
        await predicted(denoiser, x, time),
        await numbers(twin({ timeScale: 1e-3 }, label), x, time),
      );
    }
  });

  test('images are rows: [N, 1, H, W] with open H and W, and outputs of the same rank', async () => {
    const shape = ['N', 1, 'H', 'W'];
    const graph: OnnxGraph = {
      inputs: [
        { name: 'sample', shape },
        { name: 'timestep', shape: ['N'] },
      ],
      outputs: [{ name: 'out', shape }],
      nodes: [
        { op: 'Reshape', inputs: ['timestep', 'four'], outputs: ['t'] },
        { op: 'Mul', inputs: ['sample', 't'], outputs: ['out'] },
      ],
      constants: [{ name: 'four', shape: [4], values: [-1, 1, 1, 1], type: 'int64' }],
    };
    const model = onnxFile(graph);
    const denoiser = await onnxDenoiser({
      model,
      schedule,
      prediction: 'clean',
      time: 'time',
      dimension: [1, 3, 2],
    });
    expect(denoiser.dimension).toBe(6);
    const x = points(2, 6);
    const found = await predicted(denoiser, x, Float64Array.of(0.5, 0.25));
    expectNear(
      found,
      x.map((value, i) => value * (i < 6 ? 0.5 : 0.25)),
      1e-6,
    );
    await expect(onnxDenoiser({ model, schedule, prediction: 'clean', time: 'time' })).rejects.toThrow(
      'network: the file leaves the dimension of sample float32 [N, 1, H, W] open; expected the shape of a row, 3 numbers. Try dimension: [1, 28, 28] for images.',
    );
  });

  test('a network for a fixed number of rows gets as many, whatever is asked', async () => {
    const { graph, predict } = tinyNetwork();
    const fixed = {
      ...graph,
      inputs: graph.inputs.map(({ shape, ...rest }) => ({ ...rest, shape: [4, ...shape.slice(1)] })),
    };
    const denoiser = await tiny({ model: onnxFile(fixed) });
    expect(denoiser.rows).toBe(4);
    const x = points(6);
    const expected = Array.from({ length: 6 }, (_, i) => predict(x.subarray(2 * i, 2 * i + 2), 0.6)).flat();
    expectNear(await predicted(denoiser, x, 0.6), expected);
    await expect(tiny({ model: onnxFile(fixed), batch: 3 })).rejects.toThrow('the network takes 4 rows');
  });

  test('in the wrapper of EDM it is the preconditioned plain function', async () => {
    const { predict } = tinyNetwork();
    for (const form of ['edm', 'vp', 've'] as const) {
      const own = { schedule: veLinear(), form } as const;
      const wrapped = await onnxDenoiser({ ...own, model: await shared(tinyNetwork().graph) });
      const plain = preconditionedDenoiser({
        ...own,
        dimension: 2,
        network: (x, label) =>
          Array.from({ length: x.length / 2 }, (_, i) =>
            predict(x.subarray(2 * i, 2 * i + 2), typeof label === 'number' ? label : label[i]!),
          ).flat(),
      });
      const x = points(5).map((value) => 3 * value);
      const time = Float64Array.of(0.1, 1, 2, 3, 70);
      expectNear(await numbers(wrapped, x, time), await numbers(plain, x, time), 1e-4);
      expectNear(await numbers(wrapped, x, 0.5), await numbers(plain, x, 0.5));
    }
  });

  test('conversions between predictions agree for all schedules', async () => {
    const { predict } = tinyNetwork();
    const x = points(7);
    for (const own of [schedule, veLinear({ end: 5 }), rectifiedFlow()])
      for (const prediction of [
        'clean',
        'noise',
        'score',
        'v',
        'flow',
      ] as const satisfies readonly Prediction[]) {
        const plain: Denoiser = {
          ...{ dimension: 2, schedule: own, prediction },
          predict: (points, time) =>
            Array.from({ length: 7 }, (_, i) =>
              predict(points.subarray(2 * i, 2 * i + 2), time as number),
            ).flat(),
        };
        const network = await tiny({ schedule: own, prediction });
        for (const name of ['score', 'clean', 'noise'] as const) {
          const wanted = async (denoiser: Denoiser): Promise<Float64Array> => {
            const out = new Float64Array(14);
            const open = openDenoiser({ where: 'test', denoiser, backend: jsBackend() });
            await open.evaluate(x, 0.4, 7, { [name]: out });
            open.dispose();
            return out;
          };
          expectNear(await wanted(network), await wanted(plain), 1e-5);
        }
      }
  });
});

describe('conditions and guidance', () => {
  test('classes as integers of 64 and 32 bits, and the same network with another class', async () => {
    const x = points(9);
    for (const yType of ['int64', 'int32'] as const) {
      const network = { classes: 10, yType };
      const three = await onnxDenoiser({
        ...{ model: onnxFile(tinyNetwork(network).graph), schedule, prediction: 'noise', time: 'time' },
        ...{ condition: { y: 3 }, name: 'digits' },
      });
      expect(three.name).toBe('digits (y 3)');
      expectNear(
        await predicted(three, x, 0.3),
        await numbers(
          twin(network, (t) => t, 3),
          x,
          0.3,
        ),
      );
      const seven = three.conditioned({ y: 7 });
      expect(seven.name).toBe('digits (y 7)');
      expect(seven.network).toBe(three.network);
      expectNear(
        await predicted(seven, x, 0.3),
        await numbers(
          twin(network, (t) => t, 7),
          x,
          0.3,
        ),
      );
    }
  });

  test('a guided pair is one run of twice the rows, u + scale (c - u)', async () => {
    const network = { classes: 10 };
    const { session, runs } = counted(tinyNetwork(network).graph);
    const guided = await tiny({
      ...{ model: await session, condition: { y: 4 }, batch: 5 },
      guidance: { scale: 3, unconditional: { y: 10 } },
    });
    expect(guided.name).toContain('(y 4, guided 3 from y 10)');
    const x = points(12);
    const time = Float64Array.from({ length: 12 }, (_, i) => 0.05 + 0.07 * i);
    const expected = await numbers(
      twin(network, (t) => t, 4, { scale: 3, y: 10 }),
      x,
      time,
    );
    expectNear(await predicted(guided, x, time), expected, 4e-6);
    expect(runs).toEqual([10, 10, 4]);
  });

  test('rows with conditions of their own, guided or not, in any blocks and at noise levels of their own', async () => {
    const network = { classes: 10 };
    const condition = Array.from({ length: 12 }, (_, i) => ({ y: i % 10 }));
    const x = points(12);
    const time = Float64Array.from({ length: 12 }, (_, i) => 0.05 + 0.07 * i);
    for (const scale of [1, 3]) {
      const expected = await Promise.all(
        condition.map(async ({ y }, i) => {
          const own = twin(network, (t) => t, y, { scale, y: 10 });
          return [...(await numbers(own, x.subarray(2 * i, 2 * i + 2), time.subarray(i, i + 1)))];
        }),
      );
      const { session, runs } = counted(tinyNetwork(network).graph);
      const denoiser = await tiny({
        ...{ model: await session, condition, batch: 5 },
        ...(scale === 1 ? {} : { guidance: { scale, unconditional: { y: 10 } } }),
      });
      expect(denoiser.ofRows).toBe(12);
      expect(denoiser.name).toContain('(12 conditions ');
      expectNear(await predicted(denoiser, x, time), expected.flat(), 4e-6);
      expect(runs).toEqual(scale === 1 ? [5, 5, 2] : [10, 10, 4]);
      const out = new Float64Array(14);
      await denoiser.predict(x.subarray(10), time.subarray(5), out, 5);
      expectNear(out, expected.flat().slice(10), 4e-6);
    }
  });

  test('plain sampling draws each row by its own condition; what moves rows refuses them', async () => {
    const model = await shared(tinyNetwork({ classes: 10 }).graph);
    const condition = [{ y: 1 }, { y: 4 }, { y: 9 }];
    const rows = await tiny({ model, condition, batch: 2 });
    const particles = condition.length;
    const draw = async (denoiser: Denoiser): Promise<Float64Array> => {
      const sampler = reverseDiffusion({ denoiser, steps: 4, ...(denoiser === rows ? {} : { particles }) });
      return (await run(sampler, { seed: 3, backend: jsBackend() })).sample.points;
    };
    const found = await draw(rows);
    for (const [i, own] of condition.entries()) {
      const alone = await draw(rows.conditioned(own));
      expectNear(found.subarray(2 * i, 2 * i + 2), alone.subarray(2 * i, 2 * i + 2), 1e-5);
    }
    const chain = { denoiser: rows, reward: linearReward([1, 0]), steps: 4 };
    for (const make of [
      () => steering({ ...chain, particles: 3 }),
      () => corrector({ target: guide(rows, rows, 2), steps: 4 }),
      () => diffusionChain(chain),
    ])
      expect(make).toThrow(
        /has a condition for each of 3 rows, which \w+ moves; expected one condition for all rows/,
      );
    expect(() => reverseDiffusion({ denoiser: rows, particles: 4 })).toThrow('expected 3, as many as');
    await expect(predicted(rows, points(4), 0.5)).rejects.toThrow(
      'expected at most 3, a row for each condition',
    );
  });

  test('embeddings are rows of numbers, their length open or not', async () => {
    for (const width of [4, 'L']) {
      const graph: OnnxGraph = {
        inputs: [
          { name: 'x', shape: ['N', 4] },
          { name: 'embedding', shape: ['N', width] },
        ],
        outputs: [{ name: 'out', shape: ['N', 4] }],
        nodes: [{ op: 'Mul', inputs: ['x', 'embedding'], outputs: ['out'] }],
      };
      const values = [1, -2, 3, 0.5];
      const denoiser = await onnxDenoiser({
        ...{ model: onnxFile(graph), schedule, prediction: 'score' },
        condition: { embedding: Float32Array.from(values) },
      });
      const x = points(3, 4);
      expectNear(
        await predicted(denoiser, x, 0.5),
        x.map((value, i) => value * values[i % 4]!),
      );
    }
  });

  test('calls at the same time do not disturb each other', async () => {
    const denoiser = await tiny({ batch: 3 });
    const [x, other] = [points(10), points(10).map((value) => -value)];
    const [a, b] = await Promise.all([predicted(denoiser, x, 0.2), predicted(denoiser, other, 0.8)]);
    expectNear(
      a,
      await numbers(
        twin({}, (t) => t),
        x,
        0.2,
      ),
    );
    expectNear(
      b,
      await numbers(
        twin({}, (t) => t),
        other,
        0.8,
      ),
    );
  });
});
