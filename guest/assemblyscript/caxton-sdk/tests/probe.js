// The agent that does with the kit what a test asks for.

import { MockHost } from "caxton-sdk/testing";

export const built = (name) => new URL(`build/${name}.wasm`, import.meta.url);

export function loadProbe(options) {
  return MockHost.load(built("probe"), options);
}

/** What the probe tells of an action. */
export function ask(host, content, fields = {}) {
  host.deliver({ performative: "request", content, ...fields });
  return host.sent.at(-1).content.result;
}
