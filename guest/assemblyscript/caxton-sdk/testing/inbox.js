// The block in the agent's memory that messages are copied into, as the runtime has it.

import { range } from "./memory.js";
import { AgentTrapped } from "./trapped.js";

// A block above this size is given back after its turn.
const KEPT_BYTES = 64 << 10;
const LEAST_BYTES = 2 << 10;
const PAGE = 65536;
// A heap that takes all memory which is present when it first allocates writes its bookkeeping at the end.
const GUARD = new TextEncoder().encode("This is the end of the mock host's inbox.");
// Memory in front of added pages, which such a heap uses up first, in messages.
const SLACK_FACTOR = 16;
const MAX_SLACK = 16 << 20;

/** The inbox of an instance: in the agent's heap where it exports an allocator, else in pages that are added. */
export function openInbox(exports) {
  const allocator = findAllocator(exports);
  return allocator ? new HeapInbox(exports.memory, allocator) : new PageInbox(exports.memory);
}

function findAllocator(exports) {
  const { caxton_alloc, caxton_free, __wbindgen_malloc, __wbindgen_free, malloc, free } = exports;
  const { __new, __pin, __unpin, cabi_realloc } = exports;
  if (caxton_alloc) return { allocate: caxton_alloc, free: caxton_free ?? (() => {}) };
  if (__wbindgen_malloc && __wbindgen_free) {
    return {
      allocate: (len) => __wbindgen_malloc(len, 1),
      free: (ptr, len) => __wbindgen_free(ptr, len, 1),
    };
  }
  if (malloc && free) return { allocate: malloc, free };
  // 1 is AssemblyScript's id of an ArrayBuffer.
  if (__new && __pin && __unpin) return { allocate: (len) => __pin(__new(len, 1)), free: __unpin };
  if (cabi_realloc) {
    return {
      allocate: (len) => cabi_realloc(0, 0, 1, len),
      free: (ptr, len) => cabi_realloc(ptr, len, 1, 0),
    };
  }
  return null;
}

class HeapInbox {
  #memory;
  #allocator;
  #block = null;

  constructor(memory, allocator) {
    this.#memory = memory;
    this.#allocator = allocator;
  }

  /** Has room for so many bytes; the address. */
  room(len) {
    if (!this.#block || this.#block.len < len) {
      this.#free();
      const size = Math.max(len, LEAST_BYTES);
      this.#block = { ptr: this.#allocator.allocate(size) >>> 0, len: size };
    }
    const { ptr } = this.#block;
    if (ptr === 0 || !range(this.#memory, ptr, len)) {
      this.#block = null;
      const where = `0x${ptr.toString(16)}`;
      throw new AgentTrapped(
        "trap",
        `its allocator gave ${len} bytes at ${where}, which is not inside its memory`,
      );
    }
    return ptr;
  }

  /** Ends a call in which the inbox was used. */
  endCall() {
    if (this.#block && this.#block.len > KEPT_BYTES) this.#free();
  }

  #free() {
    const block = this.#block;
    this.#block = null;
    if (block) this.#allocator.free(block.ptr, block.len);
  }
}

class PageInbox {
  #memory;
  #block = null;
  #isFirst = true;

  constructor(memory) {
    this.#memory = memory;
  }

  room(len) {
    if (!this.#block || this.#block.len < len) this.#block = this.#add(Math.max(len, LEAST_BYTES));
    return this.#block.ptr;
  }

  /** Ends a call that was given `sent` in the inbox, if anything. */
  endCall(sent = null) {
    const { ptr, len } = this.#block;
    const isWhole = equals(range(this.#memory, ptr + len, GUARD.length), GUARD);
    if (isWhole) return;
    this.#block = null;
    if (sent && !equals(range(this.#memory, ptr, sent.length), sent)) {
      throw new AgentTrapped(
        "trap",
        "its heap has taken the memory that the message was in; " +
          "export an allocator (caxton_alloc and caxton_free, or malloc and free)",
      );
    }
  }

  #add(len) {
    const slack = this.#isFirst ? Math.min(len * SLACK_FACTOR, MAX_SLACK) : 0;
    this.#isFirst = false;
    const block = len + GUARD.length;
    this.#memory.grow(Math.ceil((slack + block) / PAGE));
    const ptr = this.#memory.buffer.byteLength - block;
    range(this.#memory, ptr + len, GUARD.length).set(GUARD);
    return { ptr, len };
  }
}

function equals(left, right) {
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}
