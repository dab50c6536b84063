import type { Metadata, OnnxArray, Session } from './onnx-types.ts';

/*
 * Several sessions of one network, each in a thread of its own: as many runs at once, and the thread that asks stays free.
 */

/** What a session takes for an input, in place of a tensor of the runtime. */
export interface PlainTensor {
  readonly type: string;
  readonly data: OnnxArray;
  readonly dims: readonly number[];
}

type Outputs = Awaited<ReturnType<Session['run']>>;

interface Waiting {
  resolve(outputs: Outputs): void;
  reject(cause: Error): void;
}

/** A thread and what it was asked. */
interface Thread {
  readonly told: Told;
  readonly waiting: Map<number, Waiting>;
  ask(id: number, feeds: Readonly<Record<string, PlainTensor>>): void;
  end(): Promise<unknown>;
}

interface Told {
  readonly inputNames: readonly string[];
  readonly inputMetadata?: readonly Metadata[];
  readonly outputMetadata?: readonly Metadata[];
}

interface Message extends Told {
  readonly id?: number;
  readonly outputs?: Outputs;
  readonly reason?: string;
}

/**
 * A session for `count` runs at once.
 * @param runtime the package.
 * @throws Error with what the runtime says.
 */
export async function threadSessions(
  count: number,
  runtime: string,
  model: string | Uint8Array,
  settings: object,
): Promise<Session> {
  const opening = Array.from({ length: count }, () => openThread({ runtime, model, settings }));
  const opened = await Promise.allSettled(opening);
  const threads = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failed = opened.find((each) => each.status === 'rejected');
  const release = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => thread.end()));
  };
  if (failed !== undefined) {
    await release();
    throw failed.reason;
  }
  let asked = 0;
  return {
    ...threads[0]!.told,
    release,
    run: (feeds) =>
      new Promise((resolve, reject) => {
        const thread = threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
        const id = asked++;
        thread.waiting.set(id, { resolve, reject });
        thread.ask(id, feeds as Readonly<Record<string, PlainTensor>>);
      }),
  };
}

async function openThread(workerData: object): Promise<Thread> {
  // A name in a variable, so that bundlers for browsers leave this import alone.
  const name = 'node:worker_threads';
  const { Worker } = (await import(name)) as typeof import('node:worker_threads');
  const worker = new Worker(new URL('./onnx-worker.mjs', import.meta.url), { workerData });
  const waiting = new Map<number, Waiting>();
  const settle = (id: number, use: (one: Waiting) => void): void => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (one !== undefined) use(one);
  };
  const told = await new Promise<Told>((resolve, reject) => {
    const fail = (cause: Error): void => {
      reject(cause);
      for (const id of waiting.keys()) settle(id, (one) => one.reject(cause));
    };
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the session was given back')));
    worker.on('message', ({ id, outputs, reason, ...rest }: Message) => {
      if (id === undefined) {
        if (reason === undefined) resolve(rest);
        else reject(new Error(reason));
      } else if (reason === undefined) settle(id, (one) => one.resolve(outputs!));
      else settle(id, (one) => one.reject(new Error(reason)));
    });
  }).catch(async (cause) => {
    await worker.terminate();
    throw cause;
  });
  // A thread that has nothing to do keeps no process alive.
  worker.unref();
  return {
    told,
    waiting,
    ask(id, feeds) {
      worker.ref();
      // Of arrays in a larger buffer, the part alone travels.
      const copies = Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        { type, data: data.slice(), dims },
      ]);
      worker.postMessage({ id, feeds: Object.fromEntries(copies) });
    },
    end: () => worker.terminate(),
  };
}
