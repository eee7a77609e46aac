// Draws a picture byte by byte: a 64 × 64 PNG as a data: URL, which image() hands on.
//
//     cargo run -q --release -p code-mode-cli -- run examples/image.js --out target/pictures

const SIZE = 64;

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function adler32(bytes) {
  let [a, b] = [1, 0];
  for (const byte of bytes) [a, b] = [(a + byte) % 65521, (a + byte + b) % 65521];
  return ((b << 16) | a) >>> 0;
}

const bigEndian = (n) => [n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff];

function chunk(name, data) {
  const body = [...name].map((letter) => letter.charCodeAt(0)).concat(data);
  return [...bigEndian(data.length), ...body, ...bigEndian(crc32(body))];
}

// One row after another, each with a leading 0 for "no filter"; three bytes a pixel.
const pixels = [];
for (let y = 0; y < SIZE; y++) {
  pixels.push(0);
  for (let x = 0; x < SIZE; x++) {
    const inside = (x - 32) ** 2 + (y - 32) ** 2 < 28 ** 2;
    pixels.push(...(inside ? [4 * x, 4 * y, 160] : [255, 255, 255]));
  }
}

// A zlib stream that does not compress: one stored block.
const length = [pixels.length & 0xff, pixels.length >>> 8];
const zlib = [0x78, 0x01, 0x01, ...length, ...length.map((byte) => byte ^ 0xff), ...pixels, ...bigEndian(adler32(pixels))];

const png = Uint8Array.from([
  ...[0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a],
  ...chunk("IHDR", [...bigEndian(SIZE), ...bigEndian(SIZE), 8, 2, 0, 0, 0]),
  ...chunk("IDAT", zlib),
  ...chunk("IEND", []),
]);

image(`data:image/png;base64,${png.toBase64()}`);
text(`${png.length} bytes of PNG`);
