// Text to bytes and back. The component's engine has no TextEncoder.

/** A text as UTF-8. Half of a surrogate pair becomes U+FFFD. */
export function toBytes(text) {
  const bytes = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    let code = text.charCodeAt(at);
    if (code < 0x80) {
      bytes[length++] = code;
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      code = text.codePointAt(at);
      if (code > 0xffff) at += 1;
      else code = 0xfffd;
    }
    if (code < 0x800) {
      bytes[length++] = 0xc0 | (code >> 6);
    } else {
      if (code > 0xffff) {
        bytes[length++] = 0xf0 | (code >> 18);
        bytes[length++] = 0x80 | ((code >> 12) & 0x3f);
      } else {
        bytes[length++] = 0xe0 | (code >> 12);
      }
      bytes[length++] = 0x80 | ((code >> 6) & 0x3f);
    }
    bytes[length++] = 0x80 | (code & 0x3f);
  }
  return bytes.slice(0, length);
}

/** UTF-8 as a text. What is no UTF-8 becomes U+FFFD. */
export function toText(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++];
    if (first < 0x80) {
      text += String.fromCharCode(first);
      continue;
    }
    const more =
      first >= 0xf0 && first < 0xf5
        ? 3
        : first >= 0xe0 && first < 0xf0
          ? 2
          : first >= 0xc2 && first < 0xe0
            ? 1
            : 0;
    let code = more === 0 ? -1 : first & (0x3f >> more);
    for (let left = more; left > 0; left -= 1) {
      // The second byte of E0, ED, F0 and F4 may not be any: no overlong forms, surrogates, or above U+10FFFF.
      const least =
        left === more && first === 0xe0 ? 0xa0 : left === more && first === 0xf0 ? 0x90 : 0x80;
      const most =
        left === more && first === 0xed ? 0x9f : left === more && first === 0xf4 ? 0x8f : 0xbf;
      const next = bytes[at];
      if (!(next >= least && next <= most)) {
        code = -1;
        break;
      }
      code = (code << 6) | (next & 0x3f);
      at += 1;
    }
    text += code < 0 ? "\ufffd" : String.fromCodePoint(code);
  }
  return text;
}
