import { call, hub } from "./hub.cjs";
import { type NativeInspection, native } from "./native.cjs";
import { type Abortable, checkWasm, type Wasm } from "./options.cjs";

/** One export of a module. */
export interface Export {
  readonly name: string;
  /** A function's type, or the word for what it is. */
  readonly type: string;
}

/** One import of a module. */
export interface Import extends Export {
  /** The module that it names. */
  readonly module: string;
}

/** The contents of a module, and the reasons why it cannot be an agent, if there are any. */
export interface Inspection {
  /** How long it is; in the binary form, where it was given as text. */
  readonly bytes: number;
  /** What it is made of: `code`, `data` and so on, and the names of custom sections, with their bytes. */
  readonly sections: Readonly<Record<string, number>>;
  readonly exports: readonly Export[];
  readonly imports: readonly Import[];
  /** Why it cannot be an agent: one line for each import or export, empty if it can. */
  readonly missing: readonly string[];
  /** The memory that it begins with, in bytes. */
  readonly memoryBytes: number;
  /** The most memory that it asks for, in bytes; `null` where it does not say. */
  readonly maxMemoryBytes: number | null;
  /** The tools and languages that made it, as they named themselves. */
  readonly producers: readonly string[];
  /**
   * The allocators that it exports, each entry of which counts towards `maxAllocations`; where there is
   * none, only `memory.grow` and `table.grow` count.
   */
  readonly allocators: readonly string[];
  /** How it starts; `null` where it cannot be an agent. */
  readonly start: "plain" | "wasi-reactor" | "wasi-command" | "component" | null;
  /** How messages reach it; `null` where it cannot be an agent. */
  readonly inbox: "allocator" | "pages" | "component" | null;
  /** Advice for its author, one sentence each. */
  readonly advice: readonly string[];
  /** The time that compiling it takes, by an estimate, in milliseconds: what `maxCompileMillis` bounds. */
  readonly compileMillis: number;
  /** That of the function which takes longest, in milliseconds. */
  readonly compileFunctionMillis: number;
  /** The memory that its largest function takes while it is compiled, by an estimate, in bytes. */
  readonly compileFunctionBytes: number;
}

/**
 * Looks at a module, away from the event loop. No runtime is needed.
 *
 * Rejects with `InvalidModule` if it cannot be read or is no module at all; one that only cannot be an
 * agent says why in `missing`.
 */
export function inspect(wasm: Wasm, options?: Abortable): Promise<Inspection> {
  return call(
    () => native.inspect(hub, ...checkWasm(wasm)),
    (found: NativeInspection): Inspection => ({
      ...found,
      maxMemoryBytes: found.maxMemoryBytes ?? null,
      start: (found.start as Inspection["start"] | undefined) ?? null,
      inbox: (found.inbox as Inspection["inbox"] | undefined) ?? null,
    }),
    options,
  );
}
