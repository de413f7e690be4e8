// Where the host puts messages. An agent that exports these two lends the host a block of its heap;
// without them, the host adds pages of its own to the agent's memory.

/** A block of so many bytes for the host; 0 if that is no length. */
export function caxton_alloc(len: i32): usize {
  return len < 0 ? 0 : heap.alloc(max<usize>(len, 1));
}

/** Takes a block back. */
export function caxton_free(ptr: usize, len: i32): void {
  if (ptr == 0 || len < 0) return;
  heap.free(ptr);
  // The host keeps a block of a usual size for ever, so this one was large, and so is the garbage that its
  // message has left. The incremental collector would take its time over that.
  __collect();
}
