/** Works of the cluster tests, as the owner of a worker registers them. Plain JavaScript: worker processes load it. */

const one = (data) => ({ data, shape: [data.length] });

/** Sum of the square roots of a range, after `slow` milliseconds. */
export const sums = {
  name: 'test-roots',
  version: 1,
  async compute({ lo, hi }, { slow = 0 }, { count }) {
    if (slow > 0) await new Promise((resolve) => setTimeout(resolve, slow));
    let total = 0;
    for (let i = lo; i < hi; i++) total += Math.sqrt(i);
    count(hi - lo);
    return Float64Array.of(total);
  },
  codec: { encode: (value) => ({ sum: one(value) }), decode: ({ sum }) => sum.data },
  merge: (left, right) => Float64Array.of(left[0] + right[0]),
};

/** Shards that go wrong in the way that the options say, or have many bytes. */
export const wrong = {
  name: 'test-odd',
  version: 1,
  async compute({ index }, { way = '', at = 0, bytes = 8 }) {
    if (index === at && way === 'exit') process.exit(3);
    if (index === at && way === 'forever') for (;;);
    if (index === at && way === 'greedy') for (const all = [{}]; ; ) all.push({ ...all });
    if (index === at && way === 'throw') throw new TypeError('no such luck');
    const noise = way === 'clock' ? Number(process.hrtime.bigint() % 100_000n) : 0;
    return new Float64Array(bytes / 8).fill(index + noise);
  },
  codec: { encode: (value) => ({ y: one(value) }), decode: ({ y }) => y.data.slice(0, 1) },
  merge: (left, right) => Float64Array.of(left[0] + right[0]),
};

const table = { [sums.name]: sums, [wrong.name]: wrong };

export const works = { names: Object.keys(table), find: ({ work }) => table[work] };
