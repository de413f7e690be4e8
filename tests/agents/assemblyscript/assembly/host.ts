// The host functions that the agent uses, without their pointers.

declare function send_message(ptr: usize, len: i32): i32;
declare function console_log(ptr: usize, len: i32): void;
declare function console_error(ptr: usize, len: i32): void;
declare function current_timestamp(): u64;
declare function random_u32(): u32;
declare function set_timer(micros: i64): i32;
declare function cancel_timer(timer: i32): i32;
declare function data_size(key: usize, key_len: i32): i32;
declare function load_data(key: usize, key_len: i32, ptr: usize, len: i32): i32;

/** Queues a message; the host refuses with a negative code. */
export function send(message: string): i32 {
  const bytes = String.UTF8.encode(message);
  return send_message(changetype<usize>(bytes), bytes.byteLength);
}

export function log(line: string): void {
  const bytes = String.UTF8.encode(line);
  console_log(changetype<usize>(bytes), bytes.byteLength);
}

export function error(line: string): void {
  const bytes = String.UTF8.encode(line);
  console_error(changetype<usize>(bytes), bytes.byteLength);
}

/** Microseconds since the Unix epoch. */
export function now(): u64 {
  return current_timestamp();
}

export function random(): u32 {
  return random_u32();
}

/** Has handle_timer called after so many microseconds; 0 if there can be no more timers. */
export function setTimer(micros: i64): i32 {
  return set_timer(micros);
}

export function cancelTimer(timer: i32): void {
  cancel_timer(timer);
}

/** The stored value; empty if there is none. */
export function load(name: string): string {
  const key = String.UTF8.encode(name);
  const size = data_size(changetype<usize>(key), key.byteLength);
  if (size <= 0) return "";
  const value = new ArrayBuffer(size);
  const read = load_data(changetype<usize>(key), key.byteLength, changetype<usize>(value), size);
  return read == size ? String.UTF8.decode(value) : "";
}
