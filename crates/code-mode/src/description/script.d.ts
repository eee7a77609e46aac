// What a script has besides ECMAScript itself. One script is one module with top-level await.

/** How closely the model looks at an image; `high` unless told otherwise. */
type ImageDetail = "auto" | "low" | "high" | "original";

/** Appends one text item; objects as JSON. */
declare function text(value?: unknown): void;
/** Appends one image: a `data:` URL, `{ image_url }`, or an MCP image block. */
declare function image(value: string | object, detail?: ImageDetail | null): void;
/** Appends one recording: a `data:` URL, `{ audio_url }`, or an MCP audio block. */
declare function audio(value: string | object): void;
/** Appends every text, image and audio block of tool results. */
declare function forward_output(...results: unknown[]): void;
/** Keeps a JSON value for later scripts of the session; `undefined` removes the key. */
declare function store(key: string, value: unknown): void;
/** A fresh copy of a stored value, or `undefined`. */
declare function load(key: string): any;
/** Reads output that was cut from an earlier answer, by the handle its marker named. */
declare function load_output(handle: string, options?: { start?: number; end?: number; grep?: string | RegExp }): string;
/** Tells the host something at once, while the script goes on. */
declare function notify(value?: unknown): void;
/** Hands over the output so far; the script goes on. */
declare function yield_control(): void;
/** Ends the script successfully, from anywhere; nothing can catch it. */
declare function exit(): never;

/** Every tool that can be called; one with an `original_name` can be called by that too. */
declare var ALL_TOOLS: Array<{ name: string; description: string; original_name?: string }>;

/** The description and TypeScript declaration of one tool. */
declare function describe_tool(name: string): string;
/** The tools that fit what you want to do, in plain words; the best first, ten unless told otherwise. */
declare function search_tools(query: string, options?: { server?: string; limit?: number } | null): FoundTool[];

/** A tool that `search_tools` found. */
interface FoundTool {
  /** Its name under `tools`. */
  name: string;
  server?: string;
  /** The first line of its description. */
  description: string;
  /** Its TypeScript declaration; the first three have it. */
  declaration?: string;
}

/** Why a tool call failed. */
interface ToolError extends Error {
  name: "ToolError";
  /** The tool's name under `tools`. */
  tool: string;
  /** The whole result of a tool that said it failed. */
  result?: any;
}

/** The second argument of every tool. */
interface ToolCallOptions {
  /** Cancels the call when it aborts. */
  signal?: AbortSignal;
}

interface Console {
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  debug(...values: unknown[]): void;
}
declare var console: Console;

declare function setTimeout(callback: (...args: any[]) => unknown, milliseconds?: number, ...args: unknown[]): number;
declare function clearTimeout(id?: number): void;
declare function setInterval(callback: (...args: any[]) => unknown, milliseconds?: number, ...args: unknown[]): number;
declare function clearInterval(id?: number): void;
declare function queueMicrotask(callback: () => void): void;
declare function structuredClone<T>(value: T, options?: { transfer?: ArrayBuffer[] }): T;
declare function atob(data: string): string;
declare function btoa(data: string): string;

declare var performance: { now(): number };
declare var crypto: {
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
  getRandomValues<T extends ArrayBufferView>(array: T): T;
};

declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(input?: string): Uint8Array<ArrayBuffer>;
  encodeInto(source: string, destination: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView, options?: { stream?: boolean }): string;
}

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  static canParse(url: string | URL, base?: string | URL): boolean;
  static parse(url: string | URL, base?: string | URL): URL | null;
  href: string;
  readonly origin: string;
  protocol: string;
  username: string;
  password: string;
  host: string;
  hostname: string;
  port: string;
  pathname: string;
  search: string;
  readonly searchParams: URLSearchParams;
  hash: string;
  toString(): string;
  toJSON(): string;
}
declare class URLSearchParams {
  constructor(init?: string | URLSearchParams | Record<string, string> | Iterable<[string, string]>);
  readonly size: number;
  append(name: string, value: string): void;
  delete(name: string, value?: string): void;
  get(name: string): string | null;
  getAll(name: string): string[];
  has(name: string, value?: string): boolean;
  set(name: string, value: string): void;
  sort(): void;
  toString(): string;
  forEach(callback: (value: string, name: string, parent: URLSearchParams) => void, thisArg?: unknown): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}

declare class Event {
  constructor(type: string, init?: { bubbles?: boolean; cancelable?: boolean; composed?: boolean });
  readonly type: string;
  readonly target: EventTarget | null;
  readonly currentTarget: EventTarget | null;
  readonly eventPhase: number;
  readonly bubbles: boolean;
  readonly cancelable: boolean;
  readonly composed: boolean;
  readonly defaultPrevented: boolean;
  readonly isTrusted: boolean;
  readonly timeStamp: number;
  preventDefault(): void;
  stopPropagation(): void;
  stopImmediatePropagation(): void;
}
type EventListener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown };
declare class EventTarget {
  addEventListener(type: string, listener: EventListener | null, options?: boolean | { capture?: boolean; once?: boolean; passive?: boolean; signal?: AbortSignal }): void;
  removeEventListener(type: string, listener: EventListener | null, options?: boolean | { capture?: boolean }): void;
  dispatchEvent(event: Event): boolean;
}
declare class AbortController {
  readonly signal: AbortSignal;
  abort(reason?: unknown): void;
}
declare class AbortSignal extends EventTarget {
  private constructor();
  static abort(reason?: unknown): AbortSignal;
  static timeout(milliseconds: number): AbortSignal;
  static any(signals: Iterable<AbortSignal>): AbortSignal;
  readonly aborted: boolean;
  readonly reason: any;
  onabort: ((event: Event) => unknown) | null;
  throwIfAborted(): void;
}
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}

declare module "code-mode" {
  export const tools: Tools;
  export const ALL_TOOLS: typeof globalThis.ALL_TOOLS;
  export const describe_tool: typeof globalThis.describe_tool;
  export const search_tools: typeof globalThis.search_tools;
  export const text: typeof globalThis.text;
  export const image: typeof globalThis.image;
  export const audio: typeof globalThis.audio;
  export const forward_output: typeof globalThis.forward_output;
  export const store: typeof globalThis.store;
  export const load: typeof globalThis.load;
  export const load_output: typeof globalThis.load_output;
  export const notify: typeof globalThis.notify;
  export const yield_control: typeof globalThis.yield_control;
  export const exit: typeof globalThis.exit;
  export const setTimeout: typeof globalThis.setTimeout;
  export const clearTimeout: typeof globalThis.clearTimeout;
  export const console: Console;
}
declare module "@openai/code_mode" {
  export * from "code-mode";
}
