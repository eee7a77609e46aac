// Arithmetic in loops: a sieve, a product of matrices, a Mandelbrot set, and numbers without end.
const sieve = new Uint8Array(500_000);
let primes = 0;
for (let n = 2; n < sieve.length; n++) {
  if (sieve[n]) continue;
  primes++;
  for (let multiple = n * 2; multiple < sieve.length; multiple += n) sieve[multiple] = 1;
}

const size = 140;
const a = Float64Array.from({ length: size * size }, (_, i) => (i % 13) - 6);
const b = Float64Array.from({ length: size * size }, (_, i) => (i % 7) - 3);
const product = new Float64Array(size * size);
for (let row = 0; row < size; row++) {
  for (let column = 0; column < size; column++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += a[row * size + k] * b[k * size + column];
    product[row * size + column] = sum;
  }
}

const checksum = product.reduce((sum, value, index) => (sum + value * index) % 1_000_003, 0);

let inside = 0;
for (let py = 0; py < 240; py++) {
  for (let px = 0; px < 320; px++) {
    const cx = px / 100 - 2.2, cy = py / 100 - 1.2;
    let x = 0, y = 0, steps = 0;
    while (x * x + y * y < 4 && steps < 120) [x, y, steps] = [x * x - y * y + cx, 2 * x * y + cy, steps + 1];
    if (steps === 120) inside++;
  }
}

let factorial = 1n;
for (let n = 1n; n <= 2000n; n++) factorial *= n;
text([primes, checksum, inside, factorial.toString().length].join(" "));
