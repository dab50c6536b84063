import { describe, expect, test } from 'vitest';
import { jsBackend } from '../../engine/backend/js.ts';
import { type OnnxDenoiserOptions, onnxDenoiser } from '../../engine/diffusion/onnx-denoiser.ts';
import { EngineError } from '../../engine/errors.ts';
import { onnxNetwork } from '../../engine/model/onnx.ts';
import { iterate, run } from '../../engine/run.ts';
import { reverseDiffusion } from '../../estimators/corrector/reverse-diffusion.ts';
import { type OnnxGraph, type OnnxPort, onnxFile, tinyNetwork } from '../support/onnx-model.ts';
import {
  expectNear,
  numbers,
  points,
  predicted,
  schedule,
  shared,
  tiny,
  twin,
} from '../support/onnx-twin.ts';

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
