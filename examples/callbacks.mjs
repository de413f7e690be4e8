// The script itself takes part, through callbacks: agents ask it, and it asks agents.

import { setTimeout as sleep } from "node:timers/promises";
import { Failed, Runtime } from "caxton";

// What a callback throws is printed with its stack; here it is shown without.
console.error = () => {};

const rt = new Runtime();
const rust = await rt.deploy(new URL("./agents/rust.wasm", import.meta.url), { name: "rust" });

// What a callback returns is sent back as an `inform`, what it throws as a `failure`.
const words = new Map([["olleh", "bonjour"], ["dlrow", "monde"]]);
rt.register("glossary", ({ sender, content }) => {
  const word = content.data.data;
  if (!words.has(word)) throw new Error(`${word} is not in the glossary`);
  return { word: words.get(word), askedBy: sender };
}, { capabilities: ["translation"] });

rt.register("slow", async (message) => {
  await sleep(10);
  return { thoughtAbout: message.content };
});

// The Rust agent turns the word round and asks the script for the rest.
function askScript(word) {
  const then = [{ agent: "glossary", operation: "translate" }];
  const data = { operation: "reverse", data: word, then };
  return rust.request({ action: "relay", data }, { timeout: 5000 });
}

console.log("who translates:", rt.find("translation"));
console.log("rust asked the script:", (await askScript("hello")).content);
const thoughts = Array.from({ length: 100 }, (_, n) => ({ performative: "request", receiver: "slow", content: n }));
const answers = await rt.askMany(thoughts, { timeout: 5000 });
console.log("answers of the async callback:", answers.length);
await askScript("nothing").catch((error) => {
  if (!(error instanceof Failed)) throw error;
  console.log("what the callback throws fails that one message:", error.reply.content.error);
});
await rt.close();
