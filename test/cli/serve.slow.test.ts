import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FakeServer, fakeServer } from '../model/um-bridge/fake-server.ts';
import { folderOf, runTogether, start } from './command.ts';

const MODEL = `import { uniform } from 'ensample';
export const inputs = { a: uniform(0, 1), b: uniform(-1, 1) };
export const outputs = ['y'];
export default ({ a, b }) => a + 2 * b + a * b;
`;
const LAWS = '{"num_vars": 2, "names": ["a", "b"], "bounds": [[0, 1], [-1, 1]]}';
const DENSITY = `import { normal } from 'ensample';
export const inputs = { a: normal(0, 1), b: normal(0, 1) };
export default {
  logDensity(x, out) { for (let i = 0; i < out.length; i++) out[i] = -x[2 * i] * x[2 * i + 1]; },
  gradient(x, out, gradient) { this.logDensity(x, out); gradient.set([-x[1], -x[0]]); },
};
`;
const folder = folderOf({ 'plane.ts': MODEL, 'laws.json': LAWS, 'density.ts': DENSITY });
let fake: FakeServer;
beforeAll(async () => {
  // Three hundred points, then nobody is there any more.
  fake = await fakeServer({}, ([a, b], count) => (count < 300 ? [200, { output: [[a! + 2 * b!]] }] : 'drop'));
});
afterAll(async () => {
  await fake.close();
  folder.remove();
});

test('ensample serve and sobol http://...: the numbers of the module itself, and what both say', async () => {
  const server = start(folder.path, ['serve', 'plane.ts', '--port', '0']);
  const density = start(folder.path, ['serve', 'density.ts', '--port', '0']);
  await Promise.all([server.said('Serving'), density.said('Serving')]);
  const url = server.printed().trim();
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const flags = '-n 64 --replicates 2 --seed 3 --json';
  const port = new URL(url).port;
  const [here, there, laws, model, missing, lost, again, taken] = await runTogether(folder.path, [
    `sobol plane.ts ${flags}`,
    `sobol ${url} --inputs plane.ts ${flags}`,
    `sobol ${url}/ --inputs laws.json --concurrency 2 --config {"any":1} --outputs y ${flags}`,
    `sobol plane.ts --concurrency 2 ${flags}`,
    `sobol ${url} ${flags}`,
    `sobol ${fake.url} --inputs laws.json --retries 0 --resume state -n 4096 --seed 1 --quiet`,
    `sobol ${url} --inputs laws.json --model-name other ${flags}`,
    `serve plane.ts --port ${port}`,
  ]);
  const indices = ({ out }: { readonly out: string }): unknown => JSON.parse(out).indices;
  expect(indices(there!)).toEqual(indices(here!));
  expect(indices(laws!)).toEqual(indices(here!));
  expect([here, there, laws].map((ended) => ended!.code)).toEqual([0, 0, 0]);
  expect([model, missing, lost, again, taken].map((ended) => ended!.code)).toEqual([2, 2, 1, 1, 1]);
  const line = (text: string): string => text.replace(/\s+/g, ' ');
  expect(line(model!.err)).toContain('option --concurrency is 2; expected the address of a server as MODEL');
  expect(line(missing!.err)).toContain('option --inputs is missing, and a server does not know the laws');
  expect(line(lost!.err)).toMatch(/the model broke off the connection \(ECONNRESET\), 1 time at point \d+/);
  expect(line(lost!.err)).toContain('Saved state: start the server again, and the same command goes on');
  expect(line(again!.err)).toContain('has no model "other"; expected --model-name to be one of forward');
  expect(line(taken!.err)).toContain(`ensample serve: port ${port} of 127.0.0.1 is taken by another program`);
  server.interrupt();
  density.interrupt();
  const [ended, other] = await Promise.all([server.done, density.done]);
  expect(ended.code).toBe(0);
  expect(ended.err).toContain('Serving plane.ts by UM-Bridge 1.0 as forward: 2 inputs, 1 output.');
  expect(ended.err).toContain('Evaluated 512 points, 0 failed.');
  expect(line(other.err)).toContain('as posterior: 2 inputs, 1 output, gradient.');
});
