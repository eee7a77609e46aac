//! `TextEncoder` and `TextDecoder`.

use super::holds;

#[tokio::test]
async fn text_is_encoded_as_utf_8_with_replacements_for_lone_surrogates() {
    holds(
        "const encoder = new TextEncoder();
         same(encoder.encoding, 'utf-8');
         for (const [input, bytes] of [['', []], ['a', [97]], ['\\u00e9', [0xc3, 0xa9]], ['\\u20ac', [0xe2, 0x82, 0xac]],
                                       ['\\u{1f600}', [0xf0, 0x9f, 0x98, 0x80]], ['\\ud800', [0xef, 0xbf, 0xbd]],
                                       ['\\udc00a', [0xef, 0xbf, 0xbd, 97]], ['\\ud800\\ud83d\\ude00', [0xef, 0xbf, 0xbd, 0xf0, 0x9f, 0x98, 0x80]],
                                       ['\\0', [0]], [null, [110, 117, 108, 108]], [12, [49, 50]]])
             like([...encoder.encode(input)], bytes, shown(input));
         like([...encoder.encode()], []); like([...encoder.encode(undefined)], []);
         same(encoder.encode('x') instanceof Uint8Array, true);
         throws('TypeError', () => encoder.encode(Symbol()));",
    )
    .await;
}

#[tokio::test]
async fn encode_into_writes_whole_characters_and_says_how_many() {
    holds(
        "const encoder = new TextEncoder();
         for (const [source, room, read, written] of [['', 4, 0, 0], ['abc', 0, 0, 0], ['abc', 2, 2, 2], ['abc', 9, 3, 3], ['\\u20ac', 2, 0, 0],
                                                      ['a\\u20acb', 4, 2, 4], ['\\u{1f600}x', 3, 0, 0], ['\\u{1f600}x', 4, 2, 4],
                                                      ['\\u{1f600}x', 5, 3, 5], ['\\ud800', 3, 1, 3], ['\\ud800', 2, 0, 0]])
             like(encoder.encodeInto(source, new Uint8Array(room)), { read, written }, `${shown(source)} into ${room}`);
         const bytes = new Uint8Array(8).fill(9);
         encoder.encodeInto('\\u00e9', bytes.subarray(2, 6));
         like([...bytes], [9, 9, 0xc3, 0xa9, 9, 9, 9, 9]);
         for (const bad of [undefined, null, [], new Int8Array(1), new Uint8ClampedArray(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))])
             throws('TypeError', () => encoder.encodeInto('x', bad), shown(bad));
         throws('TypeError', () => encoder.encodeInto('x'));
         const gone = new Uint8Array(4); gone.buffer.transfer();
         like(encoder.encodeInto('x', gone), { read: 0, written: 0 });",
    )
    .await;
}

#[tokio::test]
async fn malformed_bytes_are_one_replacement_for_each_maximal_subpart() {
    holds(
        "const decoder = new TextDecoder(), R = '\\ufffd';
         for (const [bytes, expected] of [
             [[], ''], [[97], 'a'], [[0xc3, 0xa9], '\\u00e9'], [[0xe2, 0x82, 0xac], '\\u20ac'], [[0xf0, 0x9f, 0x98, 0x80], '\\u{1f600}'],
             [[0x80], R], [[0xbf, 0xbf], R + R], [[0xc0, 0x80], R + R], [[0xc1, 0xbf], R + R], [[0xc3], R], [[0xc3, 0x28], R + '('],
             [[0xe2, 0x82], R], [[0xe2, 0x82, 0x41], R + 'A'], [[0xe2, 0x28, 0xa1], R + '(' + R], [[0xe0, 0x80, 0x80], R + R + R],
             [[0xed, 0xa0, 0x80], R + R + R], [[0xed, 0xbf, 0xbf], R + R + R], [[0xf0, 0x80, 0x80, 0x80], R + R + R + R],
             [[0xf0, 0x9f, 0x98], R], [[0xf0, 0x9f, 0x98, 0x41], R + 'A'], [[0xf0, 0x9f, 0x41, 0x98], R + 'A' + R],
             [[0xf4, 0x8f, 0xbf, 0xbf], '\\u{10ffff}'], [[0xf4, 0x90, 0x80, 0x80], R + R + R + R], [[0xf5, 0x80], R + R], [[0xff, 0xfe], R + R],
             [[0x61, 0xf1, 0x80, 0x80, 0xe1, 0x80, 0xc2, 0x62, 0x80, 0x63, 0x80, 0xbf, 0x64], 'a' + R + R + R + 'b' + R + 'c' + R + R + 'd'],
             [[0xef, 0xbf, 0xbd], R], [[0], '\\0'],
         ]) {
             same(decoder.decode(new Uint8Array(bytes)), expected, shown(bytes));
             const malformed = expected.includes(R) && bytes[0] !== 0xef;
             const strict = () => new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array(bytes));
             if (malformed) throws('TypeError', strict, shown(bytes)); else same(strict(), expected, shown(bytes));
         }",
    )
    .await;
}

#[tokio::test]
async fn chunks_are_decoded_as_if_they_were_one() {
    holds(
        "const bytes = new TextEncoder().encode('a\\u00e9\\u20ac\\u{1f600}z');
         for (let size = 1; size <= bytes.length; size++) {
             const decoder = new TextDecoder('utf-8', { fatal: true });
             let text = '';
             for (let at = 0; at < bytes.length; at += size) text += decoder.decode(bytes.subarray(at, at + size), { stream: true });
             same(text + decoder.decode(), 'a\\u00e9\\u20ac\\u{1f600}z', `chunks of ${size}`);
         }
         const decoder = new TextDecoder();
         same(decoder.decode(new Uint8Array([0xf0, 0x9f]), { stream: true }), '');
         same(decoder.decode(new Uint8Array([0x41]), { stream: true }), '\\ufffdA');
         same(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }), '');
         same(decoder.decode(), '\\ufffd', 'the end');
         same(decoder.decode(), '');
         same(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }), '');
         same(decoder.decode(new Uint8Array([0xac])), '\\u20ac');
         const strict = new TextDecoder('utf-8', { fatal: true });
         same(strict.decode(new Uint8Array([0xe2]), { stream: true }), '');
         throws('TypeError', () => strict.decode());
         same(strict.decode(new Uint8Array([97])), 'a', 'usable after an error');",
    )
    .await;
}

#[tokio::test]
async fn a_byte_order_mark_is_left_out_once_unless_it_is_asked_for() {
    holds(
        "const bom = [0xef, 0xbb, 0xbf], of = (...bytes) => new Uint8Array(bytes.flat());
         same(new TextDecoder().decode(of(bom, 97)), 'a');
         same(new TextDecoder().decode(of(bom)), '');
         same(new TextDecoder().decode(of(bom, bom)), '\\ufeff');
         same(new TextDecoder().decode(of(97, bom)), 'a\\ufeff');
         same(new TextDecoder('utf-8', { ignoreBOM: true }).decode(of(bom, 97)), '\\ufeffa');
         const decoder = new TextDecoder();
         same(decoder.decode(of(0xef), { stream: true }) + decoder.decode(of(0xbb), { stream: true }) + decoder.decode(of(0xbf, 97), { stream: true })
              + decoder.decode(of(bom), { stream: true }), 'a\\ufeff');
         decoder.decode();
         same(decoder.decode(of(bom, 98)), 'b', 'again after the end');",
    )
    .await;
}

#[tokio::test]
async fn every_kind_of_bytes_can_be_decoded_and_nothing_else() {
    holds(
        "const { buffer } = new Uint8Array([97, 98, 99, 100]), decoder = new TextDecoder();
         same(decoder.decode(buffer), 'abcd'); same(decoder.decode(new DataView(buffer, 1, 2)), 'bc');
         same(decoder.decode(new Uint16Array(buffer, 2)), 'cd'); same(decoder.decode(undefined), '');
         for (const bad of [null, 'abc', 5, [97], {}]) throws('TypeError', () => decoder.decode(bad), shown(bad));
         throws('TypeError', () => decoder.decode(buffer, 5));
         same(decoder.decode(buffer, null), 'abcd');
         buffer.transfer();
         same(decoder.decode(buffer), '');",
    )
    .await;
}

#[tokio::test]
async fn labels_of_utf_8_are_known_and_others_refused() {
    holds(
        "for (const label of ['utf-8', 'UTF8', 'utf8', ' Utf-8\\n', 'unicode-1-1-utf-8', 'unicode11utf8', 'unicode20utf8', 'x-unicode20utf8', undefined])
             same(new TextDecoder(label).encoding, 'utf-8', shown(label));
         for (const label of ['utf-16le', 'latin1', 'ascii', 'windows-1252', '', 'utf-8x', '\\u00a0utf-8', '\\0utf-8', null, 'constructor', '__proto__'])
             same(throws('RangeError', () => new TextDecoder(label), shown(label)).message.includes('only UTF-8'), true);
         const decoder = new TextDecoder('utf8', { fatal: 1, ignoreBOM: '' });
         same(decoder.fatal, true); same(decoder.ignoreBOM, false);
         throws('TypeError', () => new TextDecoder('utf-8', 5));
         throws('TypeError', () => new TextDecoder(Symbol()));
         throws('TypeError', () => TextDecoder.prototype.decode.call(new TextEncoder()));",
    )
    .await;
}
