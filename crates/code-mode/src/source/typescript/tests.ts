// A program with a bit of everything, for tests that cut it into pieces.
import type { Issue } from "types";
import { type Tool, text } from "code-mode";

interface Row<T extends object = {}> { readonly id: number; name?: `row-${string}`; [key: string]: unknown }
type Pick2<T, K extends keyof T> = { [P in K]-?: T[P] extends infer U ? U : never };
declare const tools: { read(args: { path: string }): Promise<string[]> };

abstract class Store<T> extends Map<string, T> implements Iterable<[string, T]> {
  private static readonly size2: number = 0x1f;
  #rows!: Row[];
  declare hidden: T;
  constructor(readonly?: boolean, ...rest: T[]) { super() }
  abstract get2(key: string): T | undefined;
  override get(key: string): T | undefined { return super.get(key)! as T }
  async *walk<U>(this: Store<T>, from: U = <any>null): AsyncGenerator<[U, T]> { yield [from, (await tools.read<{}>({ path: `/${from}/${'é😀'}` }))[0] as unknown as T] }
}

function over(a: string): void;
function over(a: any): asserts a is string {}

const found = (await Promise.all(["a", 'b\'', `c`].map(async <T,>(path: T): Promise<string> => path ? (path as string) : (x): x is any => /[/"]/g)));
for (const [i, row] of found.entries() as [number, string][]) { if (i < 3 && row.length > (2)) label: for (;;) { break label } else text(row!) }
try { over(found[0]!) } catch (e: unknown) { text((e as Error).message satisfies string) } finally { /* done */ }
switch (found.length / 2 / 1) { case (1): default: const f = (a?: number, { b }: { b: 1 } = { b: 1 }): void => {} }
export { type Row, found };
