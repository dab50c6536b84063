/**
 * The body of a thread that computes shards. Plain JavaScript, because Node cannot start a thread from TypeScript; what
 * it computes with comes from the entry that its owner names: the built one natively, the source through jiti.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { importModule } from '../pool/load-module.mjs';

const { entry, works } = workerData;
const { openShardService, ownWorks } = await importModule(entry);
const compute = await openShardService(works === undefined ? ownWorks : (await importModule(works)).works);

parentPort.on('message', async ({ id, request }) => {
  try {
    const record = await compute(request);
    parentPort.postMessage({ id, record }, [record.buffer]);
  } catch (error) {
    const { name, message, code, where, failures, cause } = error ?? {};
    const told = { name, code, where, failures: failures?.slice(0, 100), errno: cause?.code };
    parentPort.postMessage({ id, failure: { ...told, message: message ?? String(error) } });
  }
});
parentPort.postMessage('ready');
