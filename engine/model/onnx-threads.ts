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
  ask(id: number, feeds: Readonly<Record<string, PlainTensor>>, waiter: Waiting): void;
  /** It ends after the run it is in. */
  end(): void;
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
    for (const thread of threads) thread.end();
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
        thread.ask(asked++, feeds as Readonly<Record<string, PlainTensor>>, { resolve, reject });
      }),
  };
}

async function openThread(workerData: object): Promise<Thread> {
  // A name in a variable, so that bundlers for browsers leave this import alone.
  const name = 'node:worker_threads';
  const { Worker } = (await import(name)) as typeof import('node:worker_threads');
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(new URL('./onnx-worker.mjs', import.meta.url), {
    workerData: { ...workerData, stop },
  });
  const waiting = new Map<number, Waiting>();
  let over: Error | undefined;
  const settle = (id: number, use: (one: Waiting) => void): void => {
    const one = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) worker.unref();
    if (one !== undefined) use(one);
  };
  const fail = (cause: Error): void => {
    over ??= cause;
    for (const id of waiting.keys()) settle(id, (one) => one.reject(cause));
  };
  const told = await new Promise<Told>((resolve, reject) => {
    worker.on('error', fail);
    worker.on('exit', () => fail(new Error('the thread of a session has ended')));
    worker.on('error', reject);
    worker.on('exit', () => reject(over));
    worker.on('message', ({ id, outputs, reason, ...rest }: Message) => {
      if (id === undefined) {
        if (reason === undefined) resolve(rest);
        else reject(new Error(reason));
      } else if (reason === undefined) settle(id, (one) => one.resolve(outputs!));
      else settle(id, (one) => one.reject(new Error(reason)));
    });
  });
  // A thread that has nothing to do keeps no process alive.
  worker.unref();
  return {
    told,
    waiting,
    ask(id, feeds, waiter) {
      if (over !== undefined) return waiter.reject(over);
      waiting.set(id, waiter);
      worker.ref();
      // Of arrays in a larger buffer, the part alone travels.
      const copies = Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        { type, data: data.slice(), dims },
      ]);
      worker.postMessage({ id, feeds: Object.fromEntries(copies) });
    },
    end() {
      fail(new Error('the session was given back'));
      Atomics.store(new Int32Array(stop), 0, 1);
      worker.postMessage({});
    },
  };
}
