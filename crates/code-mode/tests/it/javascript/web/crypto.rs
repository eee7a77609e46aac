//! `crypto`: random values.

use super::holds;

#[tokio::test]
async fn uuids_are_of_version_four_and_all_different() {
    holds(
        "const seen = new Set();
         for (let i = 0; i < 1000; i++) {
             const id = crypto.randomUUID();
             if (!/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) fails(id);
             seen.add(id);
         }
         same(seen.size, 1000);
         throws('TypeError', () => crypto.randomUUID.call({}));",
    )
    .await;
}

#[tokio::test]
async fn random_values_fill_the_array_of_integers_they_are_given() {
    holds(
        "for (const Type of [Int8Array, Int16Array, Int32Array, BigInt64Array, Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, BigUint64Array]) {
             const array = new Type(64);
             same(crypto.getRandomValues(array), array, Type.name);
             same(new Set(array).size > 8, true, Type.name);
         }
         const bytes = new Uint8Array(30);
         crypto.getRandomValues(bytes.subarray(10, 20));
         same(bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.subarray(20).every((byte) => byte === 0), true, 'only the view');
         same(crypto.getRandomValues(new Uint8Array()).length, 0);
         same(crypto.getRandomValues(new Uint8Array(65536)).length, 65536);
         same(throws('QuotaExceededError', () => crypto.getRandomValues(new Uint8Array(65537))).code, 22);
         throws('QuotaExceededError', () => crypto.getRandomValues(new Uint32Array(16385)));
         for (const Type of [Float16Array, Float32Array, Float64Array]) throws('TypeMismatchError', () => crypto.getRandomValues(new Type(1)), Type.name);
         throws('TypeMismatchError', () => crypto.getRandomValues(new DataView(new ArrayBuffer(1))));
         for (const bad of [undefined, null, 5, {}, [], new ArrayBuffer(1)]) throws('TypeError', () => crypto.getRandomValues(bad), shown(bad));
         throws('TypeError', () => crypto.getRandomValues.call({}, bytes));
         throws('TypeError', () => new crypto.constructor());
         same(Object.prototype.toString.call(crypto), '[object Crypto]');",
    )
    .await;
}
