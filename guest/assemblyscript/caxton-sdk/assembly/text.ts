// Texts between the agent and the host: UTF-16 here, UTF-8 there.

/** A text as UTF-8. Half of a surrogate pair becomes U+FFFD: it has no UTF-8. */
export function encode(text: string): ArrayBuffer {
  return String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
}

/** Whether so many bytes at `ptr` lie inside the agent's memory. */
export function isInMemory(ptr: usize, len: i32): bool {
  return len >= 0 && <u64>ptr + <u64>len <= <u64>memory.size() << 16;
}

/** Where the first byte that is no UTF-8 (RFC 3629) stands, counted from 0; -1 if all of it is. */
export function findNoUtf8(ptr: usize, len: i32): i32 {
  let at = 0;
  while (at < len) {
    const first = load<u8>(ptr + at);
    if (first < 0x80) {
      at++;
      continue;
    }
    let more = 0;
    // What the second byte may be: no overlong forms, no surrogates, nothing above U+10FFFF.
    let least: u8 = 0x80;
    let most: u8 = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
      more = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first == 0xe0) least = 0xa0;
      if (first == 0xed) most = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first == 0xf0) least = 0x90;
      if (first == 0xf4) most = 0x8f;
    } else {
      return at;
    }
    if (more >= len - at) return at;
    for (let i = 1; i <= more; i++) {
      const byte = load<u8>(ptr + at + i);
      if (byte < least || byte > most) return at;
      least = 0x80;
      most = 0xbf;
    }
    at += more + 1;
  }
  return -1;
}
