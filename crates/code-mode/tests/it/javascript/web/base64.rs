//! `atob` and `btoa`, by the forgiving base64 of the Infra standard.

use super::holds;

#[tokio::test]
async fn btoa_encodes_the_bytes_that_characters_stand_for() {
    holds(
        "const rows = [['', ''], ['a', 'YQ=='], ['ab', 'YWI='], ['abc', 'YWJj'], ['abcd', 'YWJjZA=='],
             ['\\0', 'AA=='], ['\\xff\\xfe\\xfd', '//79'], ['\\xfb\\xf0', '+/A='], ['\\u00e9', '6Q=='],
             [null, 'bnVsbA=='], [undefined, 'dW5kZWZpbmVk'], [12, 'MTI='], [true, 'dHJ1ZQ=='],
             [{ toString: () => 'o' }, 'bw=='], [[1, 2], 'MSwy']];
         for (const [data, encoded] of rows) same(btoa(data), encoded, shown(data));
         let every = '';
         for (let code = 0; code < 256; code++) every += String.fromCharCode(code);
         same(atob(btoa(every)), every);
         for (const data of ['\\u0100', 'a\\u20ac', '\\ud83d\\ude00', '\\ud800'])
             throws('InvalidCharacterError', () => btoa(data), shown(data));
         same(throws('InvalidCharacterError', () => btoa('\\u0100')).code, 5);
         throws('TypeError', () => btoa());
         throws('TypeError', () => btoa(Symbol()));",
    )
    .await;
}

#[tokio::test]
async fn atob_forgives_whitespace_missing_padding_and_spare_bits() {
    holds(
        "const rows = [['', ''], ['YQ==', 'a'], ['YQ', 'a'], ['YWI=', 'ab'], ['YWI', 'ab'], ['YWJj', 'abc'],
             [' Y Q = = ', 'a'], ['\\tY\\nQ\\f=\\r= ', 'a'], ['YR', 'a'], ['YR==', 'a'], ['//79', '\\xff\\xfe\\xfd'],
             ['ab', 'i'], ['abc', 'i\\xb7'], ['abcd', 'i\\xb7\\x1d'], [' ', ''], [null, '\\x9e\\xe9e'],
             [12, '\\xd7'], ['AAAA', '\\0\\0\\0'], ['____'.replaceAll('_', '/'), '\\xff\\xff\\xff']];
         for (const [data, decoded] of rows) same(atob(data), decoded, shown(data));
         for (const data of ['a', '=', '==', '===', '====', 'a=', 'a==', 'a===', 'ab=', 'abc==', 'abcd=', 'abcd==',
                             'abcde', 'ab=c', 'YQ==YQ==', 'a-b_', 'ab\\u000b', 'ab\\xa0c', '\\u0100\\u0100\\u0100\\u0100',
                             'YQ=', undefined, { toString: () => '*' }])
             throws('InvalidCharacterError', () => atob(data), shown(data));
         throws('TypeError', () => atob());
         throws('TypeError', () => atob(Symbol()));",
    )
    .await;
}

#[tokio::test]
async fn a_result_longer_than_a_string_may_be_is_a_range_error() {
    holds("throws('RangeError', () => btoa('x'.repeat(2 ** 26 - 100)));").await;
}
