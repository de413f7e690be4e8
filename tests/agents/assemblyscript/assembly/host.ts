// The host functions that the agent uses, without their pointers.

declare function send_message(ptr: usize, len: i32): i32;
declare function console_log(ptr: usize, len: i32): void;
declare function console_error(ptr: usize, len: i32): void;
declare function current_timestamp(): u64;

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
