/**
 * The body of every worker: runs kernels of the shared WASM build by name, and evaluates module models, both
 * on the memory it shares with the calling thread. Plain JavaScript, because Node cannot start a worker from
 * TypeScript; it answers workerpool's messages itself, so it imports nothing but its three neighbours.
 */
import { evaluateRows } from './evaluate-rows.mjs';
import { HOT, inZones, openLine, runCalls, STATE, STRIDE, serveLine } from './line.mjs';
import { importModule, serveModelsAlone, toLocalModel } from './load-module.mjs';

// A variable name, so that bundlers for browsers do not follow it.
const THREADS = 'node:worker_threads';
const inNode = typeof process !== 'undefined' && process.versions?.node !== undefined;

let memory;
let kernels;
let line;
const models = new Map();

const methods = {
  /** Once, before anything else. `module` is absent on a backend without kernels. */
  setup(module, shared, buffer) {
    memory = shared;
    line = openLine(buffer);
    if (module !== undefined)
      kernels = Object.values(new WebAssembly.Instance(module, { env: { memory } }).exports);
  },

  /**
   * Piece after piece of the cells of kernels, claimed from the counter all threads share. The answer finds the worker
   * looking out for more on its line.
   */
  kernel({ calls, count, piece, counter }) {
    const next = new Uint32Array(memory.buffer, counter, 1);
    for (let lo = Atomics.add(next, 0, piece); lo < count; lo = Atomics.add(next, 0, piece))
      runCalls(kernels, calls, lo, Math.min(count, lo + piece));
    Atomics.store(line.words, STATE, HOT);
  },

  /**
   * Rows of a module model: piece after piece of them, claimed from the counter all workers share. The two words at
   * `under` say which rows are under way, lo + 1 and hi, should the model end this worker. Answers { failures } or, when
   * the model cannot be had, { fault }.
   */
  async rows({ url, exportName, names, outputs, unchecked, n, x, out, counter, piece, under }) {
    const { model, fault } = await loadModel(url, exportName);
    if (fault !== undefined) return { fault };
    const next = new Uint32Array(memory.buffer, counter, 1);
    const open = under === undefined ? undefined : new Uint32Array(memory.buffer, under, 2);
    const points = new Float64Array(memory.buffer, x, n * names.length);
    const values = new Float64Array(memory.buffer, out, n * outputs);
    const failures = [];
    for (let lo = Atomics.add(next, 0, piece); lo < n; lo = Atomics.add(next, 0, piece)) {
      const hi = Math.min(n, lo + piece);
      for (const failure of await evaluateRows(model, names, outputs, points, lo, hi, values, {
        unchecked,
        open,
      }))
        failures.push(failure);
    }
    return { failures };
  },
};

/** Kernels, until none comes. */
function lookOut() {
  serveLine(line, (calls, at, cut) => {
    const counters = new Uint32Array(memory.buffer, at, cut.zones * STRIDE);
    inZones((lo, hi) => runCalls(kernels, calls, lo, hi), counters, cut);
  });
}

function loadModel(url, exportName) {
  const key = JSON.stringify([url, exportName]);
  if (!models.has(key)) models.set(key, findModel(url, exportName));
  return models.get(key);
}

async function findModel(url, exportName) {
  try {
    const exports = await importModule(url);
    const model = toLocalModel(exports[exportName]);
    return model === undefined ? { fault: { kind: 'export', names: Object.keys(exports) } } : { model };
  } catch (error) {
    const text = typeof error?.message === 'string' ? `${error.name}: ${error.message}` : String(error);
    return { fault: { kind: 'load', reason: text.split('\n', 1)[0].slice(0, 300) } };
  }
}

async function answer(request, send) {
  try {
    const result = await methods[request.method](...request.params);
    send({ id: request.id, result, error: null });
    if (request.method === 'kernel') lookOut();
  } catch (error) {
    send({ id: request.id, result: null, error: { name: error?.name, message: String(error?.message) } });
  }
}

async function listen() {
  if (inNode) {
    const { parentPort } = await import(/* @vite-ignore */ THREADS);
    const send = (message) => parentPort.postMessage(message);
    // Requests are objects; the only string asks the worker to end.
    parentPort.on('message', (request) => {
      if (typeof request === 'string') process.exit(0);
      if (request.method in methods) answer(request, send);
    });
    send('ready');
  } else {
    self.onmessage = ({ data }) => {
      if (typeof data === 'string') self.close();
      else if (data.method in methods) answer(data, (message) => self.postMessage(message));
    };
    self.postMessage('ready');
  }
}

serveModelsAlone();
listen();
