import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request was answered with: a status and a body, or 'drop' for a connection that breaks. */
export type Said = readonly [status: number, body: unknown] | 'drop' | 'silence';

export interface FakeServer {
  readonly url: string;
  /** Requests by path so far. */
  readonly asked: ReadonlyMap<string, number>;
  /** Bodies of the evaluations in order of arrival. */
  readonly bodies: readonly string[];
  /** Connections that were opened so far. */
  readonly connections: number;
  /** Most evaluations that were under way at the same time. */
  readonly most: number;
  close(): Promise<void>;
}

/** A UM-Bridge server whose answers a test decides: one model `forward` of two numbers, y = x1 + 2 x2. */
export async function fakeServer(
  answers: Readonly<Record<string, Said>> = {},
  evaluate: (x: readonly number[], count: number) => Said | Promise<Said> = ([a, b]) => [
    200,
    { output: [[a! + 2 * b!]] },
  ],
): Promise<FakeServer> {
  const asked = new Map<string, number>();
  const bodies: string[] = [];
  let [connections, active, most] = [0, 0, 0];
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    const count = asked.get(path) ?? 0;
    asked.set(path, count + 1);
    const body = await text(request);
    if (path !== '/Evaluate') return reply(response, answers[path] ?? PLAIN[path] ?? [404, '']);
    bodies.push(body);
    most = Math.max(most, ++active);
    const said = answers[path] ?? (await evaluate(JSON.parse(body).input.flat(), count));
    active--;
    reply(response, said);
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    bodies,
    get connections() {
      return connections;
    },
    get most() {
      return most;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const PLAIN: Readonly<Record<string, Said>> = {
  '/Info': [200, { protocolVersion: 1, models: ['forward'] }],
  '/ModelInfo': [200, { support: { Evaluate: true } }],
  '/InputSizes': [200, { inputSizes: [2] }],
  '/OutputSizes': [200, { outputSizes: [1] }],
};

function reply(response: ServerResponse, said: Said): void {
  if (said === 'silence') return;
  if (said === 'drop') {
    response.destroy();
    return;
  }
  const [status, body] = said;
  response.writeHead(status);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

async function text(request: IncomingMessage): Promise<string> {
  let all = '';
  for await (const part of request) all += part;
  return all;
}
