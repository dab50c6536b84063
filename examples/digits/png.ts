import { crc32, deflateSync } from 'node:zlib';

/** Shades of grey, row by row, 0 (black) to 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
}

/** A picture as a PNG file of 256 shades, or of 16, which takes a third of the bytes. */
export function png({ width, height, grey }: Picture, shades: 16 | 256 = 256): Uint8Array {
  const bits = shades === 16 ? 4 : 8;
  const line = Math.ceil((width * bits) / 8);
  const rows = new Uint8Array(height * (line + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const value = grey[y * width + x]!;
      const at = y * (line + 1) + 1;
      if (bits === 8) rows[at + x] = value;
      else rows[at + (x >> 1)]! |= Math.round(value / 17) << (x % 2 === 0 ? 4 : 0);
    }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // Shades of grey; the three zeros after it are the usual compression, filters and order.
  header.set([bits, 0], 8);
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  const parts = [
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array(0)),
  ];
  return Uint8Array.from(Buffer.concat(parts));
}

/** Length, name, bytes, and the checksum of the latter two. */
function chunk(name: string, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, bytes.length);
  for (let i = 0; i < 4; i++) whole[4 + i] = name.charCodeAt(i);
  whole.set(bytes, 8);
  view.setUint32(bytes.length + 8, crc32(whole.subarray(4, bytes.length + 8)));
  return whole;
}
