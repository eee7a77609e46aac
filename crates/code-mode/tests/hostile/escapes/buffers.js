// Bytes that are given to the host and taken back while it reads them, and memory that is shared.

for (const name of ['SharedArrayBuffer', 'Atomics', 'WebAssembly']) expect(`${name} is not there`, !(name in globalThis));
const growable = new ArrayBuffer(8, { maxByteLength: 64 });
for (const value of [new ArrayBuffer(8), growable, new Uint8Array(8), new DataView(new ArrayBuffer(8)), new TextEncoder().encode('x')]) {
    const buffer = value.buffer ?? value;
    expect('no buffer is shared', Object.prototype.toString.call(buffer) === '[object ArrayBuffer]');
    expectOfThisRealm('a buffer', buffer);
}

const taken = () => { const view = new Uint8Array(64); return { view, take: () => { try { view.buffer.transfer(); } catch {} return 1; } }; };
const shrunk = () => { const buffer = new ArrayBuffer(64, { maxByteLength: 128 }), view = new Uint8Array(buffer, 8); return { view, take: () => { buffer.resize(0); return 1; } }; };
const grown = () => { const buffer = new ArrayBuffer(64, { maxByteLength: 4096 }), view = new Uint8Array(buffer, 8); return { view, take: () => { buffer.resize(4096); return 1; } }; };
for (const [how, make] of Object.entries({ taken, shrunk, grown })) {
    for (const [what, body] of Object.entries({
        'a call': ({ view, take }) => tools.echo({ get a() { take(); return 1; }, view, get b() { take(); return [...view]; } }),
        store: ({ view, take }) => store('k', { get a() { return take(); }, view }),
        text: ({ view, take }) => text({ get a() { return take(); }, view }),
        console: ({ view, take }) => console.log({ get a() { return take(); }, view }, view),
        structuredClone: ({ view, take }) => structuredClone({ get a() { return take(); }, view }),
        'structuredClone with a transfer': ({ view, take }) => structuredClone({ view, get a() { return take(); } }, { transfer: [view.buffer] }),
        'structuredClone with options': ({ view, take }) => structuredClone(view, { get transfer() { take(); return [view.buffer]; } }),
        decode: ({ view, take }) => new TextDecoder().decode(view, { get stream() { take(); return false; } }),
        encodeInto: ({ view, take }) => new TextEncoder().encodeInto({ toString() { take(); return 'x'.repeat(100); } }, view),
        getRandomValues: ({ view, take }) => { take(); return crypto.getRandomValues(view); },
        'a URL': ({ view, take }) => new URL({ toString() { take(); return `https://example.com/${view}`; } }),
    })) {
        const made = make();
        try {
            const answer = await body(made);
            expect(`${what} with bytes that are ${how}`, true);
            if (isObject(answer)) expectOfThisRealm(`what ${what} gives`, answer);
        } catch (error) {
            expectErrorOfThisRealm(`${what} with bytes that are ${how}`, error);
        }
    }
}
// Nothing that was in memory before is to be seen.
for (let size = 1; size < 1 << 20; size *= 4) {
    expect('new bytes are zero', new Uint8Array(size).every((byte) => byte === 0));
    const resizable = new ArrayBuffer(0, { maxByteLength: size });
    resizable.resize(size);
    expect('bytes that are added are zero', new Uint8Array(resizable).every((byte) => byte === 0));
    expect('bytes of a longer transfer are zero', new Uint8Array(new ArrayBuffer(size).transfer(2 * size)).every((byte) => byte === 0));
}
const { read, written } = new TextEncoder().encodeInto('€'.repeat(10), new Uint8Array(growable, 1));
expect('encodeInto stays inside', read === 2 && written === 6);
const original = new ArrayBuffer(8), moved = structuredClone(original, { transfer: [original] });
expect('what is transferred is gone here', original.detached && moved.byteLength === 8);
