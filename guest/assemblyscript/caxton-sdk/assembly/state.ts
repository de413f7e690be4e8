// Stored data as JSON.

import { loadData, storeData } from "./host";
import { Json } from "./json";
import { parseError } from "./scan";
import { consoleError } from "./log";
import { encode, findNoUtf8 } from "./text";
import { writeJson } from "./write";

/**
 * Keeps a value under a key of the agent's own, as JSON: a text, a number, a bool, a `Json`, a `JsonObject`,
 * a `JsonArray`, or an array of these. 0, or a `HostError`: `LimitExceeded` if all that is stored would be
 * too long.
 */
export function store<T>(key: string, value: T): i32 {
  return storeData(key, Uint8Array.wrap(encode(writeJson<T>(value))));
}

/** The value under a key; null if there is none, or if it is no JSON, of which the agent's log tells. */
export function load(key: string): Json | null {
  const bytes = loadData(key);
  if (!bytes) return null;
  const bad = findNoUtf8(bytes.dataStart, bytes.byteLength);
  if (bad < 0) {
    const value = Json.parse(String.UTF8.decodeUnsafe(bytes.dataStart, bytes.byteLength));
    if (value) return value;
  }
  const why = bad < 0 ? parseError() : `its byte ${bad} is no UTF-8`;
  consoleError(`what is stored under ${writeJson(key)} cannot be read: ${why}`);
  return null;
}

/** What the deployer gave the agent as `config`; null if that was nothing. */
export function config(): Json | null {
  return load("config");
}
