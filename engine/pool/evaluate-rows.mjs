/**
 * A model meets the rows of a batch: the one implementation, used on the main thread and in every worker.
 * Plain JavaScript because a worker must be able to load it before anything is compiled.
 */

/** What one answer is worth: undefined when it is fine, else the reason why not. Writes `out[at..at+k-1]`. */
function take(answer, k, out, at, unchecked) {
  if (typeof answer === 'number') {
    if (k === 1 && (unchecked || Number.isFinite(answer))) {
      out[at] = answer;
      return undefined;
    }
    return k === 1 ? `returned ${answer}` : `returned 1 number, expected ${k}`;
  }
  if (
    answer === null ||
    answer === undefined ||
    typeof answer !== 'object' ||
    typeof answer.length !== 'number'
  ) {
    return `returned ${describe(answer)}`;
  }
  if (answer.length !== k) return `returned ${answer.length} numbers, expected ${k}`;
  for (let j = 0; j < k; j++) {
    if (typeof answer[j] !== 'number' || !(unchecked || Number.isFinite(answer[j]))) {
      return `returned ${describe(answer[j])}${k > 1 ? ` as output ${j}` : ''}`;
    }
    out[at + j] = answer[j];
  }
  return undefined;
}

function describe(value) {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 40));
  return value === null || typeof value !== 'object' ? String(value) : 'an object';
}

function thrown(error) {
  if (typeof error?.message !== 'string') return `threw ${describe(error)}`;
  return `threw ${error.name}: ${error.message}`.split('\n', 1)[0].slice(0, 300);
}

/** Above this many inputs a named model gets one object again and again: making an object costs more than the model. */
const FRESH_OBJECTS = 64;

/** The function of (x, row) behind a pointwise or named model. */
function caller(model, names, x) {
  const d = names.length;
  if (model.kind === 'pointwise') return (row) => model.evaluate(x.subarray(row * d, row * d + d));
  const reused = {};
  return (row) => {
    const point = d > FRESH_OBJECTS ? reused : {};
    for (let c = 0; c < d; c++) point[names[c]] = x[row * d + c];
    return model.evaluate(point);
  };
}

/**
 * Evaluate rows lo..hi-1 of `x` [n, d] into `out` [n, k]. A row that fails is filled with NaN and listed;
 * answers that are promises are awaited one after the other. `options.pause` is awaited now and then. With
 * `options.unchecked` every number is taken as it is, NaN and infinities too. `options.open` always says which rows the
 * model has been given, lo + 1 and hi, so that others know them should it end this thread.
 */
export async function evaluateRows(model, names, k, x, lo, hi, out, options = {}) {
  const { open } = options;
  if (model.kind === 'batch') {
    tellOpen(open, lo, hi);
    return evaluateBatch(model, names.length, k, x, lo, hi, out, options.unchecked);
  }
  const call = caller(model, names, x);
  const failures = [];
  let last = performance.now();
  let stride = 1;
  let check = lo;
  for (let row = lo; row < hi; row++) {
    let reason;
    tellOpen(open, row, row + 1);
    try {
      let answer = call(row);
      if (typeof answer === 'object' && typeof answer?.then === 'function') answer = await answer;
      reason = take(answer, k, out, row * k, options.unchecked);
    } catch (error) {
      reason = thrown(error);
    }
    if (reason !== undefined) {
      out.fill(NaN, row * k, row * k + k);
      failures.push({ row, reason });
    }
    if (row >= check && options.pause !== undefined) {
      // Look at the clock rarely when rows are cheap and after every row when they are slow.
      const elapsed = performance.now() - last;
      if (elapsed > 8) await options.pause();
      stride = elapsed > 4 ? Math.max(1, stride >> 1) : Math.min(4096, stride * 2);
      check = row + stride;
      if (elapsed > 8) last = performance.now();
    }
  }
  return failures;
}

function tellOpen(open, lo, hi) {
  if (open === undefined) return;
  open[0] = lo + 1;
  open[1] = hi;
}

/** A batch that throws is asked again row by row, so that which rows fail does not depend on how it was cut. */
async function evaluateBatch(model, d, k, x, lo, hi, out, unchecked) {
  const y = out.subarray(lo * k, hi * k);
  y.fill(NaN);
  try {
    await model.evaluate(x.subarray(lo * d, hi * d), y);
  } catch (error) {
    y.fill(NaN);
    if (hi - lo === 1) return [{ row: lo, reason: thrown(error) }];
    const failures = [];
    for (let row = lo; row < hi; row++)
      failures.push(...(await evaluateBatch(model, d, k, x, row, row + 1, out, unchecked)));
    return failures;
  }
  const failures = [];
  for (let i = 0; i < hi - lo && !unchecked; i++) {
    const bad = firstBad(y, i * k, k);
    if (bad === undefined) continue;
    failures.push({ row: lo + i, reason: `returned ${bad}` });
    y.fill(NaN, i * k, i * k + k);
  }
  return failures;
}

function firstBad(y, at, k) {
  for (let j = 0; j < k; j++) if (!Number.isFinite(y[at + j])) return y[at + j];
  return undefined;
}
