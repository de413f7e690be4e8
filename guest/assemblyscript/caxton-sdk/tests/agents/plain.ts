// An agent without the kit and without an allocator of its own, in the way of the guide's.

declare function send_message(ptr: usize, len: i32): void;

// Grows with each message, as the state of an agent may.
const kept: string[] = [];

export function handle_message(ptr: usize, len: i32): i32 {
  const text = String.UTF8.decodeUnsafe(ptr, len);
  kept.push(text);
  if (text == "abort") throw new Error("as it was told");
  if (text == "deep") return deep(1_000_000_000);
  if (text == "host") {
    console.log("for the console");
    trace("a trace", 2, 1.5, 2);
    return Math.random() < 1 && Date.now() > 0 ? 0 : 1;
  }
  if (text == "spin") {
    for (let i = 0; i < 1001; i++) answer("host");
    return 0;
  }
  answer("host");
  // What the first message was says whether its bytes were still whole when it was read.
  return kept[0].length;
}

function deep(n: i32): i32 {
  return n == 0 ? 0 : deep(n - 1) + 1;
}

function answer(to: string): void {
  const bytes = String.UTF8.encode(`{"performative":"INFORM","receiver":"${to}","content":${kept.length}}`);
  send_message(changetype<usize>(bytes), bytes.byteLength);
}
