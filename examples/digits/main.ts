/** Draw handwritten digits by every method on a trained network: `npm run digits -- --help`. */
import { digits } from './digits.ts';

const stop = new AbortController();
process.on('SIGINT', () => {
  if (stop.signal.aborted) process.exit(130);
  process.stderr.write('\nStopping ... (Ctrl-C again quits at once)\n');
  stop.abort();
});
const { stdout: out, stderr: err } = process;
const folder = new URL('../out/', import.meta.url);
// Idle sessions of the runtime must not keep the process alive.
process.exit(await digits(process.argv.slice(2), { out, err, folder, signal: stop.signal }));
