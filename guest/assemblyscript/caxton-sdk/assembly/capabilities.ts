// What an agent says of itself.

import { encode, isInMemory } from "./text";
import { writeJson } from "./write";

/**
 * Writes what an agent can do for `get_capabilities`: JSON of the guide's `AgentCapabilities`, such as
 * `{"services": [{"name": "greeting"}]}`, as a `JsonObject` or a `Json`. The length in bytes; where that is above
 * `len`, nothing is written, and the host asks again with more room.
 */
export function writeCapabilities<T>(capabilities: T, ptr: usize, len: i32): i32 {
  if (isString<T>()) ERROR("Capabilities are a JsonObject or a Json, not a text");
  const json = encode(writeJson<T>(capabilities));
  if (json.byteLength <= len && isInMemory(ptr, len)) {
    memory.copy(ptr, changetype<usize>(json), json.byteLength);
  }
  return json.byteLength;
}
