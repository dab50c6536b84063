/**
 * The outcome of `work`; where it fails, `release` gives back what was opened for it before the error goes on. For the
 * first step of a method: the runner disposes only of states it has seen.
 */
export async function orRelease<T>(work: () => Promise<T>, release: () => void): Promise<T> {
  try {
    return await work();
  } catch (error) {
    release();
    throw error;
  }
}
