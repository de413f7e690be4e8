// An agent with optional chaining, for the kit's transform.

import { JsonObject, parseMessage, sendInformResponse } from "../../assembly";

export { caxton_alloc, caxton_free } from "../../assembly";

export function handle_message(ptr: usize, len: i32): i32 {
  const message = parseMessage(ptr, len)!;
  const content = message.content.get("inner");
  const name = content?.getString("name");
  const isThere = content ? .5 : 0; // content?.not code
  return sendInformResponse(message, new JsonObject().set("name", name).set("number", isThere).set("text", "x?.y"));
}
