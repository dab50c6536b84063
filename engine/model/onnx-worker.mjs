/**
 * The body of a thread with a session of its own: onnxruntime-node computes in the thread that asks. Plain JavaScript,
 * because Node cannot start a thread from TypeScript.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { runtime, model, settings, stop } = workerData;
const stopped = new Int32Array(stop);
const found = await import(runtime);
const { InferenceSession, Tensor } = found.InferenceSession === undefined ? found.default : found;
const reasonOf = (error) => (error instanceof Error ? error.message : String(error));

try {
  const session = await InferenceSession.create(model, settings);
  parentPort.on('message', async ({ id, feeds }) => {
    // A thread that were ended from outside while it computes would take the process with it.
    if (Atomics.load(stopped, 0) === 1) {
      parentPort.close();
      return;
    }
    try {
      const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        new Tensor(type, data, dims),
      ]);
      const outputs = Object.entries(await session.run(Object.fromEntries(tensors)));
      // The memory of outputs is the runtime's, and cannot travel.
      const copies = outputs.map(([name, { data }]) => [name, { data: data.slice() }]);
      parentPort.postMessage(
        { id, outputs: Object.fromEntries(copies) },
        copies.map(([, { data }]) => data.buffer),
      );
    } catch (error) {
      parentPort.postMessage({ id, reason: reasonOf(error) });
    }
  });
  const { inputNames, inputMetadata, outputMetadata } = session;
  parentPort.postMessage({ inputNames, inputMetadata, outputMetadata });
} catch (error) {
  parentPort.postMessage({ reason: reasonOf(error) });
}
