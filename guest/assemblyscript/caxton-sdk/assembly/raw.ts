// The host's functions as an agent imports them, with their pointers. A module imports only those that
// it calls.
//
// `i32` results below 0 are errors: see `HostError`. Texts are UTF-8, and pointers have to be valid for
// their length; the host keeps none of them.

/** Sends a message, JSON; 0. */
@external("caxton", "send_message")
export declare function send_message(ptr: usize, len: i32): i32;

/** Sends a message to one agent of this runtime; 0. */
@external("caxton", "send_local_message")
export declare function send_local_message(agent: usize, agent_len: i32, ptr: usize, len: i32): i32;

/** Sends a message to all agents that match a filter; how many they are. */
@external("caxton", "broadcast_message")
export declare function broadcast_message(filter: usize, filter_len: i32, ptr: usize, len: i32): i32;

/** Asks for copies of messages; a subscription above 0. */
@external("caxton", "subscribe_messages")
export declare function subscribe_messages(filter: usize, len: i32): i32;

/** Ends a subscription; 0. */
@external("caxton", "unsubscribe_messages")
export declare function unsubscribe_messages(subscription: i32): i32;

/** Microseconds since the Unix epoch. */
@external("caxton", "current_timestamp")
export declare function current_timestamp(): u64;

/** A random number. */
@external("caxton", "random_u32")
export declare function random_u32(): u32;

/** Waits so many microseconds. */
@external("caxton", "sleep_micros")
export declare function sleep_micros(micros: u64): void;

/** Has `handle_timer` called after so many microseconds; a timer above 0, or 0 when it is refused. */
@external("caxton", "set_timer")
export declare function set_timer(micros: u64): i32;

/** Ends a timer; 0. */
@external("caxton", "cancel_timer")
export declare function cancel_timer(timer: i32): i32;

/** Keeps a value under a key; 0. */
@external("caxton", "store_data")
export declare function store_data(key: usize, key_len: i32, ptr: usize, len: i32): i32;

/** Writes a value to the buffer; its length in bytes. */
@external("caxton", "load_data")
export declare function load_data(key: usize, key_len: i32, ptr: usize, len: i32): i32;

/** Deletes a value; 0. */
@external("caxton", "delete_data")
export declare function delete_data(key: usize, key_len: i32): i32;

/** The length of a value in bytes. */
@external("caxton", "data_size")
export declare function data_size(key: usize, key_len: i32): i32;

/** A line for the agent's log, at the level info. */
@external("caxton", "console_log")
export declare function console_log(ptr: usize, len: i32): void;

/** A line for the agent's log, at the level error. */
@external("caxton", "console_error")
export declare function console_error(ptr: usize, len: i32): void;

/** A line for the agent's log, at a level from 1 (error) to 5 (trace). */
@external("caxton", "log")
export declare function log(level: i32, ptr: usize, len: i32): void;
