/**
 * Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011), and the streams read from it.
 *
 * A draw is addressed, not remembered: counter = (particle, step, block, purpose << 24 | sub), key = seed.
 * Block b yields words 4b..4b+3. The m-th uniform of a stream is made of words 2m and 2m+1, so results never
 * depend on who computes a row, nor in which order.
 */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** High word of the product of two unsigned 32-bit integers, by 16-bit limbs; every sum fits in 32 bits. */
function mulHigh(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const t1 = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const t2 = (Math.imul(a0, b1) + (t1 & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (t1 >>> 16) + (t2 >>> 16)) | 0;
}

/** One block: four words at counter (c0, c1, c2, c3) under key (k0, k1) into `out` [4]. */
export function philoxBlock(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  // Signed 32-bit integers throughout, which engines keep out of floating point.
  let x0 = c0 | 0;
  let x1 = c1 | 0;
  let x2 = c2 | 0;
  let x3 = c3 | 0;
  let key0 = k0 | 0;
  let key1 = k1 | 0;
  for (let round = 0; round < 10; round++) {
    const h0 = mulHigh(M0, x0);
    const h1 = mulHigh(M1, x2);
    const l0 = Math.imul(M0, x0);
    const l1 = Math.imul(M1, x2);
    x0 = h1 ^ x1 ^ key0;
    x1 = l1;
    x2 = h0 ^ x3 ^ key1;
    x3 = l0;
    key0 = (key0 + W0) | 0;
    key1 = (key1 + W1) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** Two words to a uniform on the grid (k + 1/2) 2^-52: never 0 or 1, and 1 - u is on the same grid. */
export function uniform64(w0: number, w1: number): number {
  return ((w0 >>> 6) * 67108864 + (w1 >>> 6) + 0.5) * 2 ** -52;
}

const block = new Uint32Array(4);

/** Raw words of block `blockIndex` for particles first + lo .. first + hi - 1 into `out` [n, 4]. */
export function philoxWords(
  out: Uint32Array,
  k0: number,
  k1: number,
  first: number,
  step: number,
  blockIndex: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    philoxBlock((first + i) >>> 0, step, blockIndex, channel, k0, k1, block);
    const at = 4 * i;
    out[at] = block[0]!;
    out[at + 1] = block[1]!;
    out[at + 2] = block[2]!;
    out[at + 3] = block[3]!;
  }
}

/**
 * Uniforms in (0, 1): row i of `out` [n, d] holds the first d uniforms of particle first + i at
 * (step, channel), channel = purpose << 24 | sub.
 */
export function uniform(
  out: Float64Array,
  d: number,
  k0: number,
  k1: number,
  first: number,
  step: number,
  channel: number,
  lo: number,
  hi: number,
): void {
  for (let i = lo; i < hi; i++) {
    const at = i * d;
    for (let c = 0; c < d; c += 2) {
      philoxBlock((first + i) >>> 0, step, c >>> 1, channel, k0, k1, block);
      out[at + c] = uniform64(block[0]!, block[1]!);
      if (c + 1 < d) out[at + c + 1] = uniform64(block[2]!, block[3]!);
    }
  }
}
