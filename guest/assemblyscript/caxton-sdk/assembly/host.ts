// The host's functions without their pointers.
//
// All that a handler does through them takes effect when it returns, or never: a turn is a transaction.
// Where a result is below 0 it is a `HostError`, which `errorText` puts into words.

import { consoleError } from "./log";
import { FipaMessage } from "./message";
import * as raw from "./raw";
import { encode } from "./text";
import { writeJson } from "./write";

/**
 * Sends a message to its receivers: 0, or what the host found wrong with it. A receiver that does not
 * exist is no error here: the agent then gets a `failure` from `ams`.
 */
export function sendMessage(message: FipaMessage): i32 {
  const json = encode(message.toString());
  return raw.send_message(changetype<usize>(json), json.byteLength);
}

/**
 * Sends a message to one agent of this runtime, whatever its `receiver` says, and tells at once if that
 * agent is unknown (`NotFound`) or has no room (`MailboxFull`).
 */
export function sendLocalMessage(agent: string, message: FipaMessage): i32 {
  const name = encode(agent);
  const json = encode(message.toString());
  return raw.send_local_message(changetype<usize>(name), name.byteLength, changetype<usize>(json), json.byteLength);
}

/**
 * Sends a message to every other agent that matches a filter; how many they are. The filter is a
 * `JsonObject` or a `Json`, such as `new JsonObject().set("capabilities", ["painting"])`.
 */
export function broadcastMessage<F>(filter: F, message: FipaMessage): i32 {
  const wanted = encodeFilter<F>(filter);
  const json = encode(message.toString());
  return raw.broadcast_message(changetype<usize>(wanted), wanted.byteLength, changetype<usize>(json), json.byteLength);
}

/**
 * From the end of this turn on, the agent gets copies of messages that match a filter, such as
 * `new JsonObject().set("topic", "weather")`; the subscription, above 0.
 */
export function subscribeMessages<F>(filter: F): i32 {
  const wanted = encodeFilter<F>(filter);
  return raw.subscribe_messages(changetype<usize>(wanted), wanted.byteLength);
}

/** Ends a subscription: 0, or `NotFound`. */
export function unsubscribeMessages(subscription: i32): i32 {
  return raw.unsubscribe_messages(subscription);
}

/** Microseconds since the Unix epoch, by the runtime's clock. */
export function currentTimestamp(): u64 {
  return raw.current_timestamp();
}

/** A random number from the runtime's source, which is secure unless its program chose a seed. */
export function randomU32(): u32 {
  return raw.random_u32();
}

/**
 * Waits so many microseconds in the middle of the turn. That holds nobody up but counts towards the turn's
 * time; to wait longer, use `setTimer`.
 */
export function sleepMicros(micros: u64): void {
  raw.sleep_micros(micros);
}

/**
 * Has `handle_timer` called after so many microseconds, in a turn of its own; the timer, above 0. 0 if it is
 * refused: the delay is below 0, there are too many timers, or the agent exports no `handle_timer`.
 */
export function setTimer(micros: i64): i32 {
  if (micros < 0) {
    consoleError(`a timer was not set: ${micros} microseconds have passed already`);
    return 0;
  }
  return raw.set_timer(<u64>micros);
}

/** Ends a timer that has not come due: 0, or `NotFound`. */
export function cancelTimer(timer: i32): i32 {
  return raw.cancel_timer(timer);
}

/**
 * Keeps bytes under a key of the agent's own: 0, or `LimitExceeded`. They outlive the instance and, with a
 * store, the program. `store` does the same for JSON.
 */
export function storeData(key: string, value: Uint8Array): i32 {
  const name = encode(key);
  return raw.store_data(changetype<usize>(name), name.byteLength, value.dataStart, value.byteLength);
}

/** The bytes under a key; null if there are none. */
export function loadData(key: string): Uint8Array | null {
  const size = dataSize(key);
  if (size < 0) return null;
  const name = encode(key);
  const value = new Uint8Array(size);
  const read = raw.load_data(changetype<usize>(name), name.byteLength, value.dataStart, size);
  return read < 0 ? null : value.subarray(0, read);
}

/** Deletes the value under a key: 0, or `NotFound`. */
export function deleteData(key: string): i32 {
  const name = encode(key);
  return raw.delete_data(changetype<usize>(name), name.byteLength);
}

/** The length in bytes of the value under a key, or `NotFound`. */
export function dataSize(key: string): i32 {
  const name = encode(key);
  return raw.data_size(changetype<usize>(name), name.byteLength);
}

function encodeFilter<F>(filter: F): ArrayBuffer {
  if (isString<F>()) ERROR("A filter is a JsonObject or a Json, not a text");
  return encode(writeJson<F>(filter));
}
