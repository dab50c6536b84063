import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import type { Denoiser, Prediction, Times } from '../../engine/diffusion/denoiser.ts';
import {
  type OnnxDenoiser,
  type OnnxDenoiserOptions,
  onnxDenoiser,
} from '../../engine/diffusion/onnx-denoiser.ts';
import { openDenoiser } from '../../engine/diffusion/open-denoiser.ts';
import { preconditionedDenoiser } from '../../engine/diffusion/preconditioned.ts';
import { linearReward } from '../../engine/diffusion/reward.ts';
import { rectifiedFlow, veLinear, vpLinear } from '../../engine/diffusion/schedules.ts';
import { vpDiscrete } from '../../engine/diffusion/table-schedules.ts';
import { EngineError } from '../../engine/errors.ts';
import { type OnnxSession, onnxNetwork } from '../../engine/model/onnx.ts';
import { iterate, run } from '../../engine/run.ts';
import { corrector } from '../../estimators/corrector/corrector.ts';
import { guide } from '../../estimators/corrector/presets.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import { steering } from '../../estimators/corrector/steering/steering.ts';
import { diffusionChain } from '../../estimators/tree/diffusion-chain.ts';
import {
  type OnnxGraph,
  type OnnxPort,
  onnxFile,
  type TinyOptions,
  tinyNetwork,
} from '../support/onnx-model.ts';

const schedule = vpLinear();

/** Points [n, d]. */
function points(n: number, d = 2): Float64Array {
  return Float64Array.from({ length: n * d }, (_, i) => 1.5 * Math.sin(3 * i + 1));
}

async function predicted(denoiser: Denoiser, x: Float64Array, time: Times): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  const returned = await denoiser.predict(x, time, out);
  expect(returned).toBeUndefined();
  return out;
}

/** The same network as a plain function. */
function twin(
  tiny: TinyOptions,
  label: (time: number) => number,
  y?: number,
  guidance = { scale: 1, y: 0 },
): Denoiser {
  const { predict } = tinyNetwork(tiny);
  const d = tiny.d ?? 2;
  return {
    dimension: d,
    schedule,
    prediction: 'noise',
    predict: async (x, time) =>
      Array.from({ length: x.length / d }, (_, i) => {
        const [row, told] = [
          x.subarray(i * d, (i + 1) * d),
          label(typeof time === 'number' ? time : time[i]!),
        ];
        const c = predict(row, told, y);
        const u = predict(row, told, guidance.y);
        return c.map((value, k) => (guidance.scale === 1 ? value : u[k]! + guidance.scale * (value - u[k]!)));
      }).flat(),
  };
}

async function numbers(denoiser: Denoiser, x: Float64Array, time: Times): Promise<Float64Array> {
  const out = new Float64Array(x.length);
  return Float64Array.from((await denoiser.predict(x, time, out)) ?? out);
}

function expectNear(found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++) expect(Math.abs(found[i]! - expected[i]!)).toBeLessThan(tolerance);
}

const sessions = new Map<string, Promise<OnnxSession>>();

/** A session for all who ask for the same network: making one takes longer than using it. */
function shared(graph: OnnxGraph): Promise<OnnxSession> {
  const key = JSON.stringify(graph);
  let made = sessions.get(key);
  if (made === undefined) {
    made = import('onnxruntime-node').then(({ InferenceSession }) =>
      InferenceSession.create(onnxFile(graph)),
    );
    sessions.set(key, made);
  }
  return made;
}

async function tiny(
  own: Partial<OnnxDenoiserOptions> = {},
  network: TinyOptions = {},
): Promise<OnnxDenoiser> {
  const model = own.model ?? (await shared(tinyNetwork(network).graph));
  return onnxDenoiser({ schedule, prediction: 'noise', time: 'time', ...own, model });
}

/** Sessions that count their runs and rows. */
function counted(graph: OnnxGraph): { session: Promise<OnnxSession>; runs: number[] } {
  const runs: number[] = [];
  const session = (async (): Promise<OnnxSession> => {
    const real = await shared(graph);
    return new Proxy(real, {
      get(own, name) {
        if (name === 'run')
          return (feeds: Record<string, { dims: readonly number[] }>) => {
            runs.push(feeds.x!.dims[0]!);
            return own.run(feeds as never);
          };
        const value: unknown = Reflect.get(own, name);
        return typeof value === 'function' ? value.bind(own) : value;
      },
    });
  })();
  return { session, runs };
}

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

describe('bad input is told before any work', () => {
  const graph = tinyNetwork({ classes: 10 }).graph;
  const condition = { y: 1 };
  const rejected = async (own: Partial<OnnxDenoiserOptions>, network = graph): Promise<string> => {
    const model = own.model ?? (await shared(network));
    const made = onnxDenoiser({
      ...{
        name: 'n',
        schedule,
        prediction: 'noise',
        time: 'time',
        condition,
        ...own,
      },
      model,
    });
    const error: unknown = await made.catch((thrown) => thrown);
    expect(error).toBeInstanceOf(EngineError);
    return (error as Error).message;
  };
  const renamed = (name: string, own: Partial<OnnxPort>): OnnxGraph => ({
    ...graph,
    inputs: graph.inputs.map((each) => (each.name === name ? { ...each, ...own } : each)),
  });

  test('a file that is not ONNX, that is cut short, empty, or not there', async () => {
    const text = new TextEncoder().encode('this is not a network');
    for (const model of [text, onnxFile(graph).slice(0, 300), new Uint8Array(0)])
      expect(await rejected({ model })).toBe(
        'onnxDenoiser: network is not an ONNX file; expected a network as torch.onnx.export writes it.',
      );
    expect(await rejected({ model: new URL('./onnx-denoiser.test.ts', import.meta.url) })).toContain(
      'onnx-denoiser.test.ts is not an ONNX file',
    );
    expect(await rejected({ model: 'nowhere/net.onnx' })).toBe(
      'onnxDenoiser: net.onnx is not there; expected a network as torch.onnx.export writes it. Give its path, or its bytes.',
    );
    expect(await rejected({ model: 7 as never })).toContain('option `model` is 7');
  });

  test('a provider or runtime that is not there', async () => {
    expect(await rejected({ providers: ['cpu'] })).toContain('option `providers` is given with a session');
    for (const provider of ['nonsense', { name: 'nonsense' }])
      for (const sessions of [undefined, 1] as const)
        expect(
          await rejected({
            ...{ providers: [provider], model: onnxFile(graph) },
            ...(sessions === undefined ? {} : { sessions }),
          }),
        ).toMatch(
          /no session could be made on nonsense \(nonsense: .*\); expected a provider that is there: onnxruntime-node comes with cpu, webgpu. Name 'cpu' last/,
        );
    expect(await rejected({ providers: 'cpu' as never })).toContain('option `providers`');
    expect(await rejected({ sessions: 0, model: onnxFile(graph) })).toContain('option `sessions` is 0');
    expect(await rejected({ sessions: 2 })).toContain('option `sessions` is given with a session');
    const runtime = await import('onnxruntime-node');
    expect(await rejected({ sessions: 2, runtime, model: onnxFile(graph) })).toContain(
      'option `runtime` is given with `sessions`',
    );
    expect(await rejected({ runtime: {} as never })).toContain(
      'expected a runtime with InferenceSession and Tensor',
    );
  });

  test('names that are not there, and inputs that could be anything', async () => {
    const all = 'one of x float32 [N, 2]; t float32 [N]; y int64 [N]';
    expect(await rejected({ inputs: { x: 'image' } })).toBe(
      `onnxDenoiser: network: there is no input "image"; expected ${all}.`,
    );
    expect(await rejected({ inputs: { time: 'sigma' } })).toContain(
      `there is no input "sigma"; expected ${all}`,
    );
    expect(await rejected({ inputs: { output: 'eps' } })).toContain(
      'there is no output "eps"; expected one of out',
    );
    expect(await rejected({ time: undefined } as never)).toContain(
      "Networks trained on steps 0 to 999 take time: 'index'.",
    );
    expect(await rejected({ condition: { label: 1 } })).toContain(
      'there is no input "label" for a condition; expected some of y int64 [N]',
    );
    expect(await rejected({ input: {} } as never)).toContain('there is no option `input`');
  });

  test('ranks and types that do not fit', async () => {
    for (const port of [{ shape: ['N'] }, { shape: ['N', 2], type: 'int64' }] as const) {
      const same = { inputs: [{ name: 'x', ...port }], outputs: [{ name: 'out', ...port }] };
      const flat: OnnxGraph = { ...same, nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['out'] }] };
      const message = await rejected({ condition: {}, time: undefined } as never, flat);
      expect(message).toMatch(/input x \w+ \[.*\] cannot be x; expected float32 of rank 2 or more/);
    }
    expect(await rejected({}, renamed('t', { type: 'float16' }))).toContain(
      'input t float16 [N] takes float16',
    );
    expect(await rejected({}, renamed('t', { shape: ['N', 5] }))).toContain('t float32 [N, 5] is no time');
    expect(await rejected({ dimension: 3 })).toContain('option `dimension` is 3 for x float32 [N, 2]');
    const wide = { ...graph, outputs: [{ name: 'g', shape: ['N', 8] }] };
    expect(await rejected({}, wide)).toContain(
      'output g float32 [N, 8] of network has 8 numbers a row; expected 2',
    );
  });

  test('conditions of the wrong length, or of another kind', async () => {
    expect(await rejected({ condition: [] })).toContain('condition.length');
    expect(await rejected({ condition: [{ y: 1 }, { y: [1, 2] }] })).toContain(
      'has 2 numbers for y int64 [N]',
    );
    expect(await rejected({ condition: [{ y: 1 }, {}] })).toContain('there is no condition for y');
    expect(await rejected({ condition: { y: [1, 2] } })).toBe(
      'onnxDenoiser: network: `condition.y` has 2 numbers for y int64 [N]; expected 1, those of a row.',
    );
    expect(await rejected({ condition: { y: 0.5 } })).toContain('`condition.y` has 0.5; expected integers');
    expect(await rejected({ condition: {} })).toContain('there is no condition for y int64 [N]');
    expect(await rejected({ guidance: { scale: Number.NaN, unconditional: { y: 10 } } })).toContain(
      'guidance.scale',
    );
    expect(await rejected({ guidance: { scale: 2, unconditional: { y: [1, 2] } } })).toContain(
      'has 2 numbers',
    );
    expect(await rejected({ prediction: 'epsilon' as never })).toContain(
      'expected one of clean, noise, score, v, flow',
    );
    expect(await rejected({ form: 'edm' })).toContain('options `form` and `prediction` are given together');
  });

  test('a network that returns NaN at high noise: time and rows are named', async () => {
    const roots: OnnxGraph = {
      inputs: [
        { name: 'x', shape: ['N', 2] },
        { name: 't', shape: ['N', 1] },
      ],
      outputs: [{ name: 'out', shape: ['N', 2] }],
      constants: [{ name: 'limit', shape: [1], values: [0.9] }],
      nodes: [
        { op: 'Sub', inputs: ['limit', 't'], outputs: ['left'] },
        { op: 'Sqrt', inputs: ['left'], outputs: ['root'] },
        { op: 'Mul', inputs: ['x', 'root'], outputs: ['out'] },
      ],
    };
    const denoiser = await tiny({ model: onnxFile(roots), name: 'roots' });
    const sampler = reverseDiffusion({ denoiser, particles: 6, steps: 5 });
    await expect(run(sampler, { seed: 1, backend: jsBackend() })).rejects.toThrow(
      /^reverseDiffusion: the noise prediction of `denoiser` \(roots\) is NaN or infinite in 6 of 6 rows at step 0, time 1, first in row 0/,
    );
    expect(denoiser.network.open).toBe(false);
  });
});

describe('sessions', () => {
  test('a result says by which provider, the first that is there', async () => {
    const model = onnxFile(tinyNetwork().graph);
    const denoiser = await tiny({ model, providers: ['nonsense', 'cpu'] });
    const sampler = reverseDiffusion({ denoiser, particles: 3, steps: 2 });
    const { provenance } = await run(sampler, { seed: 1, backend: jsBackend() });
    expect(provenance.notes.join()).toMatch(/^network \w+ ran on cpu by onnxruntime-node \d+\.\d+\.\d+\.$/);
    expect((await tiny()).place).toBe('a session of the caller');
  });

  test('two in threads of their own share a batch, at the same time, and are given back', async () => {
    const model = onnxFile(tinyNetwork({ classes: 10 }).graph);
    const condition = Array.from({ length: 9 }, (_, i) => ({ y: i }));
    const own = { model, condition, batch: 4 };
    const [one, two] = [await tiny(own), await tiny({ ...own, sessions: 2 })];
    expect(two.place).toMatch(/^cpu by onnxruntime-node .*, in 2 threads$/);
    expect([two.rows, two.network.sessions]).toEqual([8, 2]);
    const x = points(9);
    expectNear(await predicted(two, x, 0.3), await predicted(one, x, 0.3));
    // Four runs under way: the calling thread goes on meanwhile.
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await Promise.all(Array.from({ length: 50 }, () => predicted(two, x, 0.4)));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
    const bad = two.conditioned(condition.map(() => ({ y: 99 })));
    await expect(predicted(bad, x, 0.3)).rejects.toThrow(/indices|bounds|Gather/i);
    expectNear(await predicted(two, x, 0.3), await predicted(one, x, 0.3));
    const letGo = two.network.hold();
    const late = Array.from({ length: 200 }, () => predicted(two, x, 0.3));
    letGo();
    // Whoever was waiting hears of it.
    await expect(Promise.all(late)).rejects.toThrow('the session was given back');
    expect(two.network.open).toBe(false);
    expectNear(await predicted(two, x, 0.3), await predicted(one, x, 0.3));
    two.network.hold()();
    await expect(tiny({ model: Uint8Array.of(1, 2, 3), sessions: 2 })).rejects.toThrow('is not an ONNX file');
  });

  test('a run that ends or is aborted frees the session, and the next one loads it', async () => {
    const model = onnxFile(tinyNetwork().graph);
    const denoiser = await tiny({ model });
    const sampler = reverseDiffusion({ denoiser, particles: 6, steps: 5 });
    const backend = jsBackend();
    expect(denoiser.network.open).toBe(true);
    const whole = await run(sampler, { seed: 1, backend });
    expect(denoiser.network.open).toBe(false);
    const stop = new AbortController();
    const counts: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const { info } of iterate(sampler, { seed: 1, backend, signal: stop.signal })) {
        counts.push(info.done!);
        expect(denoiser.network.open).toBe(counts.length > 1);
        if (counts.length === 3) stop.abort();
      }
    };
    await expect(reading()).rejects.toThrow();
    expect(counts).toEqual([0, 1, 2]);
    expect(denoiser.network.open).toBe(false);
    const again = await run(sampler, { seed: 1, backend });
    expect(again.sample.points).toEqual(whole.sample.points);
    const kept = await tiny({ model, keep: true });
    await run(reverseDiffusion({ denoiser: kept, particles: 6, steps: 2 }), { seed: 1, backend });
    expect(kept.network.open).toBe(true);
  });

  test('a session of the user is not freed', async () => {
    const { InferenceSession } = await import('onnxruntime-node');
    const session = await InferenceSession.create(onnxFile(tinyNetwork().graph));
    const denoiser = await tiny({ model: session });
    await run(reverseDiffusion({ denoiser, particles: 6, steps: 2 }), { seed: 1, backend: jsBackend() });
    const x = points(3);
    expectNear(
      await predicted(denoiser, x, 0.3),
      await numbers(
        twin({}, (t) => t),
        x,
        0.3,
      ),
    );
    await session.release();
  });

  test('the measured batch is one of its candidates, and says how many rows it takes', async () => {
    const denoiser = await tiny({ batch: 'measured' });
    expect(Math.log2(denoiser.rows!) % 1).toBe(0);
    const x = points(40);
    expectNear(
      await predicted(denoiser, x, 0.3),
      await numbers(
        twin({}, (t) => t),
        x,
        0.3,
      ),
    );
  });

  test('a network by itself gives all its outputs, by name', async () => {
    const { graph, predict } = tinyNetwork();
    const more = { ...graph, outputs: [...graph.outputs, { name: 'g', shape: ['N', 8] }] };
    const network = await onnxNetwork({ model: onnxFile(more) });
    expect(network.inputs).toEqual([
      { name: 'x', type: 'float32', shape: ['N', 2] },
      { name: 't', type: 'float32', shape: ['N'] },
    ]);
    const found = await network.run({ x: Float32Array.of(1, 2, 3, 4), t: Float32Array.of(0.1, 0.2) }, 2);
    expectNear(found.out as Float32Array, [...predict([1, 2], 0.1), ...predict([3, 4], 0.2)]);
    expect(found.g!.length).toBe(16);
  });
});
