// What an agent means by pointers and lengths.

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** The bytes at `ptr`, both unsigned; null where they lie outside the memory. They are the agent's own. */
export function range(memory, ptr, len) {
  const start = ptr >>> 0;
  const length = len >>> 0;
  if (start + length > memory.buffer.byteLength) return null;
  return new Uint8Array(memory.buffer, start, length);
}

/** The text that bytes are; null if they are no UTF-8. */
export function text(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** The text that bytes are, as well as that goes. */
export function lossyText(bytes) {
  return lossy.decode(bytes);
}

/** A string of AssemblyScript's: UTF-16, its length in bytes before it. */
export function assemblyScriptText(memory, ptr) {
  const length = ptr === 0 ? null : range(memory, ptr - 4, 4);
  if (!length) return "";
  const view = new DataView(length.buffer, length.byteOffset, 4);
  const bytes = range(memory, ptr, Math.min(view.getUint32(0, true), 65536));
  return bytes ? new TextDecoder("utf-16le").decode(bytes) : "";
}
