import { call, hub } from "./hub.cjs";
import { type NativeStoreInspection, native } from "./native.cjs";
import { type Abortable, checkString } from "./options.cjs";

/** One agent of a store. */
export interface StoredAgent {
  readonly name: string;
  readonly id: string;
  readonly state: "active" | "suspended" | "failed";
  /** SHA-256 of its module, in hexadecimal digits. */
  readonly moduleHash: string;
  readonly moduleBytes: number;
  readonly restart: "always" | "on-failure" | "never";
  /** What it can do, as its deployer said. */
  readonly capabilities: readonly string[];
  /** All that it has stored, in bytes: keys, values, and 96 for each key. */
  readonly storedBytes: number;
  readonly storedKeys: number;
  readonly timers: number;
  readonly subscriptions: number;
  /** Messages that wait for it. */
  readonly mailboxMessages: number;
}

/** One host agent of a store. */
export interface StoredHostAgent {
  readonly name: string;
  /** Messages that wait for it. */
  readonly mailboxMessages: number;
}

/** The contents of a store. */
export interface StoreInspection {
  /** The version of its form; 0 where nothing has been written to it. */
  readonly version: number;
  /** The size of the file, and of the log beside it. */
  readonly sizeBytes: number;
  readonly agents: readonly StoredAgent[];
  readonly hostAgents: readonly StoredHostAgent[];
  readonly deadLetters: number;
  /** Messages that wait, for whomever. */
  readonly mailboxMessages: number;
}

/**
 * Looks at a store, away from the event loop, and leaves it as it is. No runtime is needed.
 *
 * Rejects with `StoreError` if there is no such file, if a runtime has it open, or if it is not a store,
 * damaged, or from a newer version.
 */
export function inspectStore(path: string, options?: Abortable): Promise<StoreInspection> {
  return call(
    () => native.inspectStore(hub, checkString(path, "path")),
    (found: NativeStoreInspection) => found as StoreInspection,
    options,
  );
}
