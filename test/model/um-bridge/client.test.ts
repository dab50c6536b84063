import { afterEach, expect, test } from 'vitest';
import { jsBackend } from '../../../engine/backend/js.ts';
import { ModelError, OptionError, run, type UmBridgeOptions, umBridge } from '../../../engine/index.ts';
import { openEvaluator } from '../../../engine/model/evaluator.ts';
import { sobolIndices, uniform } from '../../../estimators/index.ts';
import { type FakeServer, fakeServer, type Said } from './fake-server.ts';

let servers: FakeServer[] = [];
afterEach(async () => {
  await Promise.all(servers.map((server) => server.close()));
  servers = [];
});

async function fake(...args: Parameters<typeof fakeServer>): Promise<FakeServer> {
  const server = await fakeServer(...args);
  servers.push(server);
  return server;
}

interface Evaluated {
  readonly y: number[];
  readonly failures: readonly { readonly index: number; readonly reason: string }[];
}

/** Rows (i, 1) for i = 0..n-1 by an evaluator. */
async function evaluated(
  server: FakeServer,
  options: Partial<UmBridgeOptions> = {},
  n = 8,
  signal = new AbortController().signal,
): Promise<Evaluated> {
  const backend = jsBackend();
  const model = umBridge({ url: server.url, ...options });
  const evaluator = await openEvaluator({
    ...{ where: 'test', model, names: ['a', 'b'], planned: n, backend, signal },
  });
  try {
    const x = backend.arena().f64(2 * n);
    for (let i = 0; i < n; i++) x.set([i, 1], 2 * i);
    const { y, failures } = await evaluator.evaluate(x, n);
    return { y: [...y], failures };
  } finally {
    evaluator.dispose();
  }
}

const told = async (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('nothing was thrown'),
    (error: Error) => error,
  );

test('umBridge(): rows come back in their order, over connections that stay open, at most `concurrency` at a time', async () => {
  const server = await fake({}, async ([a, b]) => {
    // The earlier the row, the later its answer.
    await new Promise((resolve) => setTimeout(resolve, 8 - a!));
    return [200, { output: [[a! + 2 * b!]] }];
  });
  const { y, failures } = await evaluated(server, { concurrency: 3, config: { level: 2 } }, 12);
  expect(y).toEqual(Array.from({ length: 12 }, (_, i) => i + 2));
  expect(failures).toEqual([]);
  expect(server.most).toBe(3);
  expect(server.connections).toBe(3);
  expect(server.bodies[1]).toBe('{"name":"forward","config":{"level":2},"input":[[1.0,1.0]]}');
});

test('umBridge(): a 400 fails its point at once, with what the server says, and no other point', async () => {
  const refused: Said = [400, { error: { type: 'InvalidInput', message: 'No\n  such flow!' } }];
  const server = await fake({}, ([a, b]) => (a === 3 ? refused : [200, { output: [[a! + 2 * b!]] }]));
  const { y, failures } = await evaluated(server);
  expect(failures.map(({ index, reason }) => [index, reason])).toEqual([
    [3, 'answered 400 InvalidInput: No such flow'],
  ]);
  expect(y[3]).toBeNaN();
  expect(y[4]).toBe(6);
  expect(server.asked.get('/Evaluate')).toBe(8);
});

test("umBridge(): onError 'stop' ends the run at the first failed point, naming its number, inputs and the message", async () => {
  const refused: Said = [500, { error: { type: 'InvalidOutput', message: 'diverged' } }];
  const server = await fake({}, ([a, b]) => (a === 2 ? refused : [200, { output: [[a! + 2 * b!]] }]));
  const error = await told(evaluated(server, { onError: 'stop', concurrency: 1 }));
  expect(error).toBeInstanceOf(ModelError);
  expect(error.message).toContain(
    'answered 500 InvalidOutput: diverged at point 2 (a = 2, b = 1); expected an evaluation. See what that server has logged, and mend the model there, or use onError',
  );
  expect((error as ModelError).failures[0]!.index).toBe(2);
  expect(server.asked.get('/Evaluate')).toBe(3);
});

test.each([502, 503, 504])('umBridge(): %i and broken connections are asked again', async (status) => {
  const server = await fake({}, ([a, b], count) => {
    if (count === 1) return [status, 'busy'];
    if (count === 2) return 'drop';
    return [200, { output: [[a! + 2 * b!]] }];
  });
  const { y, failures } = await evaluated(server, { concurrency: 1 }, 4);
  expect(y).toEqual([2, 3, 4, 5]);
  expect(failures).toEqual([]);
  expect(server.asked.get('/Evaluate')).toBe(6);
});

test('umBridge(): a server that goes away in mid-run ends the run, and the other requests with it', async () => {
  const server = await fake({}, async ([a, b], count) => {
    if (count < 4) return [200, { output: [[a! + 2 * b!]] }];
    return 'drop';
  });
  const error = await told(evaluated(server, { retries: 1, concurrency: 2 }, 50));
  expect(error).toBeInstanceOf(ModelError);
  expect(error.message).toMatch(
    /the model broke off the connection \(ECONNRESET\), 2 times in [\d.]+ s at point \d+ \(a = /,
  );
  expect(server.asked.get('/Evaluate')).toBeLessThan(10);
});

test('umBridge(): a point that takes too long has failed, and is not asked for again', async () => {
  const server = await fake({}, ([a, b]) => (a === 1 ? 'silence' : [200, { output: [[a! + 2 * b!]] }]));
  const { failures } = await evaluated(server, { timeout: 60 }, 3);
  expect(failures.map(({ index, reason }) => [index, reason])).toEqual([
    [1, 'took longer than the timeout of 60 ms'],
  ]);
  const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
  const silent = await fake({ '/Evaluate': 'silence' });
  const model = umBridge({ url: silent.url, timeout: 20, concurrency: 64 });
  const method = sobolIndices({ model, inputs, points: 16, replicates: 1 });
  expect((await told(run(method, { seed: 3, backend: jsBackend() }))).message).toMatch(
    /the model took longer than the timeout of 20 ms at 64 of 64 points; expected an answer in that time\. First: point 0, .* Is that server at work\? Give it more time with a larger `timeout`, or leave/,
  );
  expect(server.asked.get('/Evaluate')).toBe(3);
});

test('umBridge(): an aborted run rejects with its reason at once', async () => {
  const server = await fake({ '/Evaluate': 'silence' });
  const reason = new Error('enough');
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 30);
  expect(await told(evaluated(server, {}, 8, controller.signal))).toBe(reason);
});

test.each<readonly [unknown, string]>([
  [{ output: [[1, 2]] }, 'returned 2 numbers in output 0, declared 1'],
  [{ output: [[1], [2]] }, 'returned 2 vectors, declared 1'],
  [{ output: 3 }, 'returned what is no list of vectors'],
  ['{"output": [[nan]] }', 'returned NaN'],
  ['{"output": [[-inf]] }', 'returned -Infinity'],
  ['{"output": [[null]]}', 'returned NaN'],
  ['<html>busy</html>', 'answered with what is no JSON object: <html>busy</html>'],
  [{ error: { type: 'InvalidInput', message: 'no' } }, 'answered 200 InvalidInput: no'],
])('umBridge(): the answer %j fails its point: it %s', async (body, reason) => {
  const server = await fake({ '/Evaluate': [200, body] });
  const { failures } = await evaluated(server, {}, 1);
  expect(failures.map((failure) => failure.reason)).toEqual([reason]);
});

test.each<readonly [Readonly<Record<string, Said>>, Partial<UmBridgeOptions>, string]>([
  [
    { '/Info': [200, { protocolVersion: 2, models: ['forward'] }] },
    {},
    'the server speaks version 2 of the protocol; expected UM-Bridge 1.0',
  ],
  [{ '/Info': [200, { models: ['forward'] }] }, {}, 'the server speaks version undefined of the protocol'],
  [
    { '/Info': [200, { protocolVersion: 1, models: ['a', 'b'] }] },
    {},
    'the server has 2 models; expected `name` to be one of a, b',
  ],
  [
    {},
    { name: 'forwards' },
    'the server has no model "forwards"; expected `name` to be one of forward. Did you mean forward?',
  ],
  [
    { '/Info': [404, 'nothing here'] },
    {},
    'the server answered 404: nothing here; expected a UM-Bridge 1.0 server',
  ],
  [{ '/ModelInfo': [200, { support: { Evaluate: false } }] }, {}, 'model forward does not evaluate'],
  [
    { '/InputSizes': [200, { inputSizes: [-1] }] },
    {},
    'the server declares inputSizes [-1]; expected a list of counts',
  ],
  [{ '/OutputSizes': [200, {}] }, {}, 'the server declares outputSizes undefined'],
])(
  'umBridge(): a server that answers %j to %j is refused before any point',
  async (answers, options, message) => {
    const server = await fake(answers);
    const error = await told(evaluated(server, options));
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toContain(`${server.url}: ${message}`);
    expect(server.asked.get('/Evaluate')).toBeUndefined();
  },
);

test('umBridge(): another number of inputs is refused with both numbers, an absent server with its address', async () => {
  const server = await fake({ '/InputSizes': [200, { inputSizes: [2, 1] }] });
  const error = await told(evaluated(server));
  expect(error).toBeInstanceOf(OptionError);
  expect(error.message).toContain('takes 3 numbers (vectors of 2, 1), and there are 2 inputs');
  const gone = await fake();
  await gone.close();
  const absent = await told(evaluated(gone, { retries: 0 }));
  expect(absent.message).toBe(
    `${gone.url}: the server could not be reached (ECONNREFUSED), 1 time; expected a UM-Bridge 1.0 server. Is it running there?`,
  );
});

test('umBridge(): options that cannot be used are refused before anything is asked', () => {
  const bad = (options: object): Error => {
    try {
      umBridge({ url: 'http://localhost:1', ...options });
    } catch (error) {
      return error as Error;
    }
    return new Error('nothing was thrown');
  };
  for (const options of [
    { url: 'localhost:4242' },
    { url: 'ftp://localhost' },
    { url: 'http://me:secret@localhost' },
    { timeout: 0 },
    { retries: -1 },
    { concurrency: 0 },
    { onError: 'skip' },
    { config: [1] },
    { mode: 1 },
    { headers: { 'no name': 'secret' } },
    { headers: { authorization: 'secret\n' } },
  ]) {
    expect(bad(options), JSON.stringify(options)).toBeInstanceOf(OptionError);
    expect(bad(options).message).not.toContain('secret');
  }
});

test('umBridge(): an estimate leaves refused points out and counts them, and says where the model ran', async () => {
  const refused: Said = [400, { error: { type: 'InvalidInput', message: 'steep' } }];
  const server = await fake({}, ([a, b]) => (a! > 0.98 ? refused : [200, { output: [[a! + 2 * b!]] }]));
  const inputs = { a: uniform(0, 1), b: uniform(0, 1) };
  const method = sobolIndices({
    model: umBridge({ url: server.url }),
    inputs,
    points: 128,
    missing: 'drop-row',
  });
  const { dropped, provenance } = await run(method, { seed: 3, backend: jsBackend() });
  expect(dropped).toBeGreaterThan(0);
  expect(provenance.notes.join()).toContain(`The model ran at ${server.url}, with up to `);
});
