// Builds the playground and serves it on this machine only, with the headers that let pages share memory with workers.
//
//   tsx examples/browser/serve.ts [--port 8377] [--plain]
//
// --plain leaves those headers out: the page as most static hosts would serve it, on one thread.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPage, printSizes } from './build.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};
const ISOLATION: Readonly<Record<string, string>> = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export interface ServeOptions {
  /** With its final slash. */
  readonly folder: string;
  readonly names: readonly string[];
  /** Default 0, any free one. */
  readonly port?: number;
  /** Send the headers that let the page share memory with workers. Default true. */
  readonly isolated?: boolean;
}

export interface Served {
  /** 'http://127.0.0.1:8377/' */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * A server of the files with these names in `folder` and of nothing else: a path is looked up in the list, never
 * joined to the folder, so no path leads out of it. Resolves, once it listens on 127.0.0.1, to its address and an end.
 */
export function servePage(options: ServeOptions): Promise<Served> {
  const { folder, names, port = 0, isolated = true } = options;
  const files = new Map(names.map((name) => [`/${name}`, name]));
  files.set('/', 'index.html');
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').replace(/[?#].*$/, '');
    const name = files.get(path);
    const known = name !== undefined && (request.method === 'GET' || request.method === 'HEAD');
    const headers = {
      'Content-Type': known ? (TYPES[extname(name)] ?? 'application/octet-stream') : TYPES['.txt'],
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
      ...(isolated ? ISOLATION : {}),
    };
    response.writeHead(known ? 200 : name === undefined ? 404 : 405, headers);
    response.end(
      request.method === 'HEAD' ? undefined : known ? readFileSync(`${folder}${name}`) : 'not here\n',
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      // It listens on a port, not on a pipe.
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      resolve({ address, close: () => ended(server) });
    });
  });
}

function ended(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '8377' }, plain: { type: 'boolean', default: false } },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`--port is ${values.port}; expected a number from 0 (any) to 65535.`);
  const folder = fileURLToPath(new URL('./dist/', import.meta.url));
  const sizes = await buildPage(folder);
  printSizes(sizes);
  const { address } = await servePage({ folder, names: Object.keys(sizes), port, isolated: !values.plain });
  console.log(`\nThe playground is at ${address} (Ctrl-C ends it).`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  main().catch((error: NodeJS.ErrnoException & { readonly port?: number }) => {
    const taken = error.code === 'EADDRINUSE';
    console.error(taken ? `Port ${error.port} is taken. Try --port 0 for any free one.` : error.message);
    process.exitCode = 1;
  });
}
