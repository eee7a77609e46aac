//! `URL` and `URLSearchParams`.

use super::holds;

/// Rows of input, base (`-` for none) and href (`!` for failure), or of input, base and the parts.
const PARSING: &str = include_str!("url_parsing.txt");
/// Rows of href, part, value and the href after the part was set.
const SETTING: &str = include_str!("url_setting.txt");

/// The rows of a table as JavaScript arrays of strings: columns are parted by ` | `, each may use
/// the escapes of JSON; `#` begins a comment.
fn rows(table: &str) -> String {
    let rows: Vec<Vec<String>> = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            line.split(" | ")
                .map(|column| serde_json::from_str(&format!("\"{column}\"")).expect(line))
                .collect()
        })
        .collect();
    assert!(rows.len() > 20);
    serde_json::to_string(&rows).expect("strings")
}

#[tokio::test]
async fn urls_are_parsed_and_written_as_the_standard_has_them() {
    holds(&format!(
        "for (const [input, base, href] of {}) {{
             const given = base === '-' ? [input] : [input, base];
             same(URL.canParse(...given), href !== '!', `can parse ${{shown(input)}}`);
             if (href === '!') {{
                 throws('TypeError', () => new URL(...given), shown(input));
                 same(URL.parse(...given), null);
                 continue;
             }}
             same(URL.parse(...given)?.href, href, `${{shown(input)}} on ${{base}}`);
             if (URL.canParse(...given)) same(new URL(new URL(...given).href).href, href, `${{href}} again`);
         }}",
        rows(PARSING)
    ))
    .await;
}

#[tokio::test]
async fn setting_a_part_changes_it_or_nothing() {
    holds(&format!(
        "for (const [href, part, value, expected] of {}) {{
             const url = new URL(href);
             url[part] = value;
             same(url.href, expected, `${{href}} with ${{part}} = ${{shown(value)}}`);
         }}
         const url = new URL('http://a/');
         throws('TypeError', () => {{ url.href = 'no url' }});
         same(url.href, 'http://a/');
         throws('TypeError', () => {{ 'use strict'; url.origin = 'x' }});
         throws('TypeError', () => {{ url.hash = Symbol() }});",
        rows(SETTING)
    ))
    .await;
}

#[tokio::test]
async fn a_url_shows_its_parts() {
    holds(
        "const url = new URL('HTTP://user:p%40ss@EXAMPLE.com:8080/a/../b?x=1&y#frag');
         const parts = ({ href, origin, protocol, username, password, host, hostname, port, pathname, search, hash }) =>
             ({ href, origin, protocol, username, password, host, hostname, port, pathname, search, hash });
         like(parts(url), { href: 'http://user:p%40ss@example.com:8080/b?x=1&y#frag', origin: 'http://example.com:8080', protocol: 'http:', username: 'user',
              password: 'p%40ss', host: 'example.com:8080', hostname: 'example.com', port: '8080', pathname: '/b', search: '?x=1&y', hash: '#frag' });
         like(parts(new URL('mailto:a@b?subject=x')), { href: 'mailto:a@b?subject=x', origin: 'null', protocol: 'mailto:', username: '', password: '', host: '', hostname: '', port: '', pathname: 'a@b', search: '?subject=x', hash: '' });
         like(parts(new URL('file:///c:/x')), { href: 'file:///c:/x', origin: 'null', protocol: 'file:', username: '', password: '', host: '', hostname: '', port: '', pathname: '/c:/x', search: '', hash: '' });
         same(new URL('blob:https://a.b/x').origin, 'https://a.b'); same(new URL('blob:x').origin, 'null'); same(new URL('foo://a:1/').origin, 'null');
         same(new URL('http://a/?').search, ''); same(new URL('http://a/#').hash, ''); same(new URL('http://[::1]:80/').host, '[::1]');
         same(String(url), url.href); same(JSON.stringify({ url }), JSON.stringify({ url: url.href })); same(Object.prototype.toString.call(url), '[object URL]');
         same(new URL(url).href, url.href); same(new URL('x', url).href, 'http://user:p%40ss@example.com:8080/x');
         throws('TypeError', () => new URL()); throws('TypeError', () => URL.canParse()); throws('TypeError', () => URL.parse());
         throws('TypeError', () => new URL('x', undefined)); throws('TypeError', () => new URL('http://a', null)); throws('TypeError', () => new URL('http://a', ''));
         same(new URL('http://a/\\ud800').pathname, '/%EF%BF%BD');
         same(throws('TypeError', () => new URL('page.html')).message.includes('page.html'), true);",
    )
    .await;
}

#[tokio::test]
async fn search_params_and_the_url_change_each_other() {
    holds(
        "const url = new URL('http://a/?x=1&y=%20+'), params = url.searchParams;
         same(url.searchParams, params); same(params.get('y'), '  ');
         params.append('z', '\\u20ac&='); same(url.search, '?x=1&y=++&z=%E2%82%AC%26%3D');
         params.delete('x'); params.delete('y'); params.delete('z'); same(url.href, 'http://a/'); same(url.search, '');
         url.search = 'q=1'; same(params.get('q'), '1'); url.href = 'http://b/?r=2#h'; same(params.get('q'), null); same(params.get('r'), '2');
         params.set('r', '3'); same(url.href, 'http://b/?r=3#h'); url.hash = ''; same(params.size, 1);
         url.search = '?a=~b'; params.sort(); same(url.search, '?a=%7Eb', 'sorting writes it anew');
         const opaque = new URL('data:x  ?q#f'); opaque.searchParams.delete('q'); opaque.hash = ''; same(opaque.pathname, 'x %20', opaque.href);",
    )
    .await;
}

#[tokio::test]
async fn params_are_made_of_strings_sequences_and_records() {
    holds(
        "for (const [init, text] of [[undefined, ''], ['', ''], ['?a=1', 'a=1'], ['??a=1', '%3Fa=1'], ['a=1&a=2', 'a=1&a=2'], ['a', 'a='], ['=b', '=b'], ['&&a=1&', 'a=1'],
                                     ['a=b=c', 'a=b%3Dc'], ['a+b=c%20d', 'a+b=c+d'], ['%zz=%2', '%25zz=%252'], ['a=%ff', 'a=%EF%BF%BD'], ['a=\\u{1f600}', 'a=%F0%9F%98%80'],
                                     ['\\ud800=1', '%EF%BF%BD=1'], ['a=*-._ ~\\'()!', 'a=*-._+%7E%27%28%29%21'], ['a=%00', 'a=%00'], [null, 'null='], [5, '5='],
                                     [[['a', '1'], ['b', 2]], 'a=1&b=2'], [[], ''], [new Map([['x', 'y']]), 'x=y'], [new Set([['p', 'q']]), 'p=q'], [[new Set(['a', 'b'])], 'a=b'],
                                     [{ a: 1, b: [1, 2], c: null }, 'a=1&b=1%2C2&c=null'], [{}, ''], [new URLSearchParams('k=v'), 'k=v'], [['ab'], 'a=b!'],
                                     [{ '\\ud835': '1', 'x': '2', '\\ud83b': '3' }, '%EF%BF%BD=3&x=2']]) {
             if (text.endsWith('!')) throws('TypeError', () => new URLSearchParams(init), shown(init));
             else same(String(new URLSearchParams(init)), text, shown(init));
         }
         for (const bad of [[['a']], [['a', 'b', 'c']], [[]], [5], [null], { [Symbol.iterator]: 5 }, Symbol()]) throws('TypeError', () => new URLSearchParams(bad), shown(bad));
         throws('TypeError', () => new URLSearchParams({ [Symbol('s')]: 1 }));
         same(String(new URLSearchParams(function () {})), '');
         const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2 }); same(String(new URLSearchParams(hidden)), 'a=1');",
    )
    .await;
}

#[tokio::test]
async fn params_are_read_and_changed_by_name_and_value() {
    holds(
        "const params = new URLSearchParams('a=1&b=2&a=3&c=4');
         same(params.size, 4); same(params.get('a'), '1'); same(params.get('none'), null); like(params.getAll('a'), ['1', '3']); like(params.getAll('none'), []);
         same(params.has('a'), true); same(params.has('a', '3'), true); same(params.has('a', '2'), false); same(params.has('a', undefined), true); same(params.has('none'), false);
         params.set('a', '9'); same(String(params), 'a=9&b=2&c=4'); params.set('new', 'x'); same(String(params), 'a=9&b=2&c=4&new=x');
         params.append('a', '8'); params.delete('a', '9'); same(String(params), 'b=2&c=4&new=x&a=8'); params.delete('a', 'none'); params.delete('b', undefined); same(String(params), 'c=4&new=x&a=8');
         same(params.append('d', null), undefined); same(params.get('d'), 'null');
         for (const name of ['append', 'set']) throws('TypeError', () => params[name]('x'), name);
         for (const name of ['delete', 'get', 'getAll', 'has', 'forEach']) throws('TypeError', () => params[name](), name);
         throws('TypeError', () => params.forEach(5));
         const mixed = new URLSearchParams('\\ufb03=3&\\u{1f308}=2&z=b&a=1&z=a'); mixed.sort(); like([...mixed.keys()], ['a', 'z', 'z', '\\u{1f308}', '\\ufb03'], 'by UTF-16 units, stable'); like(mixed.getAll('z'), ['b', 'a']);",
    )
    .await;
}

#[tokio::test]
async fn params_are_iterated_live() {
    holds(
        "const params = new URLSearchParams('a=1&b=2');
         like([...params], [['a', '1'], ['b', '2']]); like([...params.entries()], [['a', '1'], ['b', '2']]); like([...params.keys()], ['a', 'b']); like([...params.values()], ['1', '2']);
         same(params[Symbol.iterator], params.entries); same(params[Symbol.iterator].name, 'entries');
         const seen = []; params.forEach(function (value, name, all) { seen.push([value, name, all === params, this.tag]) }, { tag: 't' }); like(seen, [['1', 'a', true, 't'], ['2', 'b', true, 't']]);
         const names = []; for (const [name] of params) { names.push(name); if (name === 'a') params.append('late', '') ; if (name === 'b') params.delete('a') }
         like(names, ['a', 'b'], 'removing shifts');
         const iterator = params.keys(); same(Object.prototype.toString.call(iterator), '[object URLSearchParams Iterator]'); same(iterator[Symbol.iterator](), iterator);
         const proto = Object.getPrototypeOf(iterator); same(Object.getPrototypeOf(proto), Iterator.prototype); same(Object.hasOwn(proto, 'constructor'), false); like(Object.keys(proto), ['next']);
         throws('TypeError', () => proto.next.call({})); throws('TypeError', () => proto.next.call([].values()));
         same(iterator.map((name) => name + '!').toArray().length, 2);
         like(Object.fromEntries(new URLSearchParams('x=1&y=2')), { x: '1', y: '2' });",
    )
    .await;
}
