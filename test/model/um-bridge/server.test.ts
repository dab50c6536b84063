import { afterEach, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { openEvaluator } from '../../../engine/model/evaluator.ts';
import {
  type ModelServer,
  mala,
  named,
  normal,
  OptionError,
  pointwise,
  run,
  type ServeOptions,
  serveModel,
  smcSampler,
  umBridge,
} from '../../../estimators/index.ts';

let servers: ModelServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close(0)));
  servers = [];
});

async function serve(options: Partial<ServeOptions> = {}): Promise<ModelServer> {
  const model = options.logDensity === undefined ? { model: pointwise(([a, b]) => [a! + b!, a! * b!]) } : {};
  const outputs = options.logDensity === undefined ? { outputs: ['sum', 'product'] } : {};
  const server = await serveModel({
    ...{ inputs: ['a', 'b'], port: 0, backend: jsBackend(), ...model, ...outputs },
    ...options,
  });
  servers.push(server);
  return server;
}

interface Answered {
  readonly status: number;
  readonly text: string;
}

async function post(server: ModelServer, path: string, body: unknown): Promise<Answered> {
  const response = await fetch(`${server.url}/${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, text: await response.text() };
}

/** log density of two standard normals, with gradient; no mass at a < -3. */
const quadratic = {
  logDensity(x: Float64Array, out: Float64Array): void {
    for (let i = 0; i < out.length; i++)
      out[i] = x[2 * i]! < -3 ? -Infinity : -(x[2 * i]! ** 2 + x[2 * i + 1]! ** 2) / 2;
  },
  gradient(x: Float64Array, out: Float64Array, gradient: Float64Array): void {
    quadratic.logDensity(x, out);
    for (let at = 0; at < x.length; at++) gradient[at] = -x[at]!;
  },
};

test('serveModel(): every answer has its property and no other', async () => {
  const server = await serve({ inputSizes: [1, 1], outputSizes: [2, 0] });
  expect(await (await fetch(`${server.url}/Info`)).text()).toBe(
    '{"protocolVersion":1.0,"models":["forward"]}',
  );
  const name = 'forward';
  const answers = {
    ModelInfo: '{"support":{"Evaluate":true,"Gradient":false,"ApplyJacobian":false,"ApplyHessian":false}}',
    InputSizes: '{"inputSizes":[1,1]}',
    OutputSizes: '{"outputSizes":[2,0]}',
  };
  for (const [path, text] of Object.entries(answers))
    expect(await post(server, path, { name, config: {} })).toEqual({ status: 200, text });
  expect(await post(server, 'Evaluate', { name, input: [[2], [0.5]], config: { any: 1 } })).toEqual({
    status: 200,
    text: '{"output":[[2.5,1.0],[]]}',
  });
});

test('serveModel(): a log density offers Gradient and ApplyJacobian, by input vector, and sends -Infinity', async () => {
  const server = await serve({ logDensity: quadratic, inputSizes: [1, 1] });
  const ask = async (path: string, more: object): Promise<string> =>
    (await post(server, path, { name: 'posterior', outWrt: 0, inWrt: 1, input: [[1], [4]], ...more })).text;
  expect(await ask('ModelInfo', {})).toContain('"Gradient":true,"ApplyJacobian":true');
  expect(await ask('Evaluate', {})).toBe('{"output":[[-8.5]]}');
  expect(await ask('Evaluate', { input: [[-4], [0]] })).toBe('{"output":[[-Infinity]]}');
  expect(await ask('Gradient', { sens: [0.5] })).toBe('{"output":[-2.0]}');
  expect(await ask('Gradient', { sens: [1], inWrt: 0 })).toBe('{"output":[-1.0]}');
  expect(await ask('ApplyJacobian', { vec: [3] })).toBe('{"output":[-12.0]}');
});

const NAME = { name: 'forward' };
const LOGS = { name: 'posterior', input: [[1, 4]], outWrt: 0, inWrt: 0 };
test.each<readonly [string, object | string, number, string]>([
  ['ModelInfo', {}, 400, 'ModelNotFound'],
  ['InputSizes', { name: 'other' }, 400, 'ModelNotFound'],
  ['OutputSizes', { name: 'other' }, 400, 'ModelNotFound'],
  ['Evaluate', { name: 'other', input: [[1, 2]] }, 400, 'ModelNotFound'],
  ['Gradient', { name: 'other' }, 400, 'ModelNotFound'],
  ['Gradient', { ...NAME, input: [[1, 2]], sens: [1, 0], outWrt: 0, inWrt: 0 }, 400, 'UnsupportedFeature'],
  [
    'ApplyJacobian',
    { ...NAME, input: [[1, 2]], vec: [1, 0], outWrt: 0, inWrt: 0 },
    400,
    'UnsupportedFeature',
  ],
  ['ApplyHessian', { ...NAME, input: [[1, 2]] }, 400, 'UnsupportedFeature'],
  ['Evaluate', '{"name":', 400, 'InvalidInput'],
  ['Evaluate', '[1]', 400, 'InvalidInput'],
  ['Evaluate', { ...NAME, config: 3, input: [[1, 2]] }, 400, 'InvalidInput'],
  ['Evaluate', NAME, 400, 'InvalidInput'],
  ['Evaluate', { ...NAME, input: [[1], [2]] }, 400, 'InvalidInput'],
  ['Evaluate', { ...NAME, input: [[1]] }, 400, 'InvalidInput'],
  ['Evaluate', { ...NAME, input: [1, 2] }, 400, 'InvalidInput'],
  ['Evaluate', { ...NAME, input: [[1, '2']] }, 400, 'InvalidInput'],
  ['Evaluate', '{"name":"forward","input":[[1,NaN]]}', 400, 'InvalidInput'],
  ['Gradient', { ...LOGS, sens: [1], outWrt: 1 }, 400, 'InvalidInput'],
  ['Gradient', { ...LOGS, sens: [1], inWrt: -1 }, 400, 'InvalidInput'],
  ['Gradient', { ...LOGS, sens: [1], inWrt: 0.5 }, 400, 'InvalidInput'],
  ['Gradient', { ...LOGS, sens: [1, 2] }, 400, 'InvalidInput'],
  ['Gradient', { ...LOGS, input: [[1]], sens: [1] }, 400, 'InvalidInput'],
  ['ApplyJacobian', { ...LOGS, vec: [1] }, 400, 'InvalidInput'],
  ['ApplyJacobian', LOGS, 400, 'InvalidInput'],
  ['ApplyJacobian', { ...LOGS, vec: [1, null] }, 400, 'InvalidInput'],
])('serveModel(): %s of %j answers %i %s and nothing else', async (path, body, status, type) => {
  const density = typeof body === 'object' && 'name' in body && body.name === 'posterior';
  const server = await serve(density ? { logDensity: quadratic } : {});
  const found = await post(server, path, body);
  expect(found.status).toBe(status);
  const { error, ...others } = JSON.parse(found.text);
  expect(error).toEqual({ type, message: expect.stringMatching(/./) });
  expect(others).toEqual({});
});

test.each<readonly [string, ServeOptions['model']]>([
  ['The model threw Error: too steep.', named(() => Promise.reject(new Error('too steep')))],
  ['The model returned NaN as output 1.', named(() => [1, Number.NaN])],
  ['The model returned 3 numbers, expected 2.', named(() => [1, 2, 3])],
])('serveModel(): 500 InvalidOutput: %s', async (message, model) => {
  const server = await serve({ model: model! });
  expect(await post(server, 'Evaluate', { ...NAME, input: [[1, 2]] })).toEqual({
    status: 500,
    text: JSON.stringify({ error: { type: 'InvalidOutput', message } }),
  });
  expect(server.counts).toEqual({ evaluated: 1, failed: 1 });
});

test('serveModel(): other paths are 404, other methods 405, pages of other origins 403', async () => {
  const server = await serve({ allowOrigin: 'https://lab.example' });
  expect((await post(server, 'constructor', NAME)).status).toBe(404);
  expect((await post(server, 'Info', NAME)).status).toBe(405);
  expect((await fetch(`${server.url}/Evaluate`)).status).toBe(405);
  const from = (origin: string, method: string): Promise<Response> =>
    fetch(`${server.url}/Info`, { method, headers: { origin } });
  expect((await from('https://elsewhere.example', 'GET')).status).toBe(403);
  const allowed = await from('https://lab.example', 'OPTIONS');
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://lab.example');
});

test('serveModel(): a body of megabytes for two numbers is refused without reading it all', async () => {
  const server = await serve();
  const { status, text } = await post(server, 'Evaluate', { ...NAME, pad: 'x'.repeat(2 ** 21) });
  expect(status).toBe(400);
  expect(JSON.parse(text).error).toEqual({
    type: 'InvalidInput',
    message: 'The body has more than 1048704 bytes.',
  });
});

test('serveModel(): requests that come together are one batch, and one bad point fails alone', async () => {
  const sizes: number[] = [];
  const server = await serve({
    async model(x: Float64Array, out: Float64Array) {
      sizes.push(x.length / 2);
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (let i = 0; i < x.length / 2; i++) {
        if (x[2 * i] === 5) throw new Error('five');
        out[i] = x[2 * i]!;
      }
    },
    outputs: ['y'],
  });
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, i) => post(server, 'Evaluate', { ...NAME, input: [[i, 0]] })),
  );
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 500, 200, 200]);
  expect(Math.max(...sizes)).toBeGreaterThan(2);
});

test('serveModel(): bad options and a port that is taken are told before anything is served', async () => {
  const bad = (options: object): Promise<unknown> =>
    serveModel({ model: pointwise(() => 1), inputs: ['a'], port: 0, ...options }).catch((error) => error);
  for (const options of [
    { inputs: [] },
    { inputs: ['a', 'a'] },
    { inputSizes: [2] },
    { outputSizes: [0] },
    { port: -1 },
    { name: '' },
    { logDensity: pointwise(() => 1) },
    { model: undefined },
    { prot: 1 },
    { allowOrigin: '*' },
    { allowOrigin: 'http://localhost:3000/' },
  ])
    expect(await bad(options), JSON.stringify(options)).toBeInstanceOf(OptionError);
  const { url } = await serve();
  const taken = (await bad({ port: Number(new URL(url).port) })) as Error;
  expect(taken.message).toMatch(
    /^serveModel: port \d+ of 127.0.0.1 is taken by another program; expected a free port/,
  );
});

test('close(): a request under way is answered, and its connection, which the client keeps, delays nothing', async () => {
  let [begun, go] = [(): void => {}, (): void => {}];
  const asked = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  const model = named(async ({ a }) => {
    begun();
    await held;
    return a!;
  });
  const server = await serve({ model, inputs: ['a'], outputs: ['y'] });
  const answer = post(server, 'Evaluate', { ...NAME, input: [[1]] });
  await asked;
  // Without a sweep this takes as long as the test may.
  const closed = server.close(600_000);
  go();
  expect(await answer).toEqual({ status: 200, text: '{"output":[[1.0]]}' });
  await closed;
});

test('umBridge() of serveModel(): every bit of inputs and outputs comes through', async () => {
  const values = [
    -0,
    5e-324,
    1.7976931348623157e308,
    1 / 3,
    -1e21,
    2 ** 53,
    123456789012345680000,
    0.1 + 0.2,
  ];
  const { url } = await serve({ model: pointwise(([a, b]) => [b!, a!]) });
  const backend = jsBackend();
  const { signal } = new AbortController();
  const shared = { where: 'test', names: ['a', 'b'], planned: 4, backend, signal };
  const evaluator = await openEvaluator({ ...shared, model: umBridge({ url }) });
  const x = backend.arena().f64(values.length);
  x.set(values);
  const { y } = await evaluator.evaluate(x, values.length / 2);
  evaluator.dispose();
  for (let at = 0; at < values.length; at++) expect(y[at ^ 1]).toBe(values[at]);
});

test('umBridge() of serveModel(): moves by gradient are the same bits as with the log density itself', async () => {
  const { url } = await serve({ logDensity: quadratic });
  const sampled = async (
    logLikelihood: typeof quadratic | ReturnType<typeof umBridge>,
  ): Promise<number[]> => {
    const method = smcSampler({
      prior: { a: normal(0, 2), b: normal(1, 2) },
      logLikelihood,
      particles: 32,
      moves: mala(),
      inverseTemperatures: [0.3, 1],
    });
    const { sample, runs } = await run(method, { seed: 5, backend: jsBackend() });
    return [...sample.points, ...runs.logNormalizer];
  };
  expect(await sampled(umBridge({ url }))).toEqual(await sampled(quadratic));
});
