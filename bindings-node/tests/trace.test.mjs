// Messages as lines, as they pass.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { Writable } from "node:stream";
import { after, before, test } from "node:test";
import { Closed, InvalidArgument, Runtime } from "caxton";
import { seller, until } from "./parties.mjs";
import { runScript, turn } from "./support.mjs";

let rt;
before(() => {
  rt = new Runtime();
});
after(() => rt.close());

const say = (topic, content, fields = {}) =>
  rt.trySend({ performative: "inform", receiver: `topic:${topic}`, content, ...fields });

/** A stream that keeps what is written to it. */
class Collector extends Writable {
  text = "";
  constructor(options = {}) {
    super({ decodeStrings: false, ...options });
  }
  _write(chunk, _encoding, done) {
    this.text += chunk;
    done();
  }
  get lines() {
    return this.text.split("\n").slice(0, -1);
  }
}

test("each message is one aligned line", async () => {
  const stream = new Collector();
  const trace = rt.trace({ stream, protocol: "fipa-contract-net" });
  const [dear, cheap] = [seller(rt, 9), seller(rt, 3)];
  await rt.contractNet({ dig: "a hole" }, [dear, cheap]);
  say("other", "not this");
  // What has passed is there when it is closed.
  trace.close();
  const { lines } = stream;
  assert.equal(lines.length, 7, stream.text);
  assert.match(
    lines[0],
    /^ +0\.000 +host +→ agent-\d+ +cfp +contract-net +\S{8,} +\{"dig":"a hole"\}$/,
  );
  const columns = lines.map((line) => line.indexOf("contract-net"));
  assert.equal(new Set(columns).size, 1, stream.text);
  assert.ok(lines.every((line) => line.length <= 100));
  assert.ok(!stream.text.includes("\x1b"));
  say("other", "nor this");
  await turn();
  assert.equal(stream.lines.length, 7);
  for (const event of ["error", "close", "drain"]) assert.equal(stream.listenerCount(event), 0);
  trace.close();
});

test("colour and width are those of the terminal, unless said otherwise", async () => {
  const content = "x".repeat(300);
  const lines = async (properties, options) => {
    const stream = Object.assign(new Collector(), properties);
    const trace = rt.trace({ stream, topic: "wide", ...options });
    say("wide", content);
    trace[Symbol.dispose]();
    assert.equal(stream.lines.length, 1);
    return stream.lines[0];
  };
  assert.equal((await lines({})).length, 100);
  assert.equal((await lines({}, { width: 60 })).length, 60);
  assert.equal((await lines({ columns: 72 })).length, 72);
  assert.equal((await lines({ columns: 72 }, { width: 60 })).length, 60);
  const isColoured = async (...how) => (await lines(...how)).includes("\x1b[");
  assert.ok(await isColoured({ isTTY: true }));
  assert.ok(!(await isColoured({ isTTY: true }, { colour: false })));
  assert.ok(await isColoured({}, { colour: true }));
});

test("what agents wrote cannot steer the terminal", () => {
  const stream = new Collector();
  const trace = rt.trace({ stream, topic: "evil", width: 10_000 });
  const evil = "\x1b]0;owned\x07\x1b[2J\r\n\u202e\u2028\x00\x9b31m";
  say("evil", { [evil]: evil }, { protocol: evil, conversation_id: evil });
  say("evil", "ok");
  trace.close();
  assert.equal(stream.lines.length, 2);
  assert.doesNotMatch(stream.text.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test("lines come as messages pass, also many at once", async () => {
  const stream = new Collector();
  const trace = rt.trace({ stream, topic: "later" });
  await turn();
  say("later", "first");
  await until(() => stream.lines.length === 1);
  for (let at = 0; at < 500; at += 1) say("later", at);
  await until(() => stream.lines.length === 501);
  const contents = stream.lines.map((line) => line.split(" ").at(-1));
  assert.deepEqual(contents, ['"first"', ...Array.from({ length: 500 }, (_, at) => `${at}`)]);
  assert.equal(trace.missed, 0);
  trace.close();
});

test("a slow stream is waited for", async () => {
  const waiting = [];
  const stream = new Collector({ highWaterMark: 1 });
  stream._write = function (chunk, _encoding, done) {
    this.text += chunk;
    waiting.push(done);
  };
  const trace = rt.trace({ stream, topic: "slow" });
  for (let at = 0; at < 2000; at += 1) say("slow", at);
  await turn();
  assert.ok(stream.writableLength < 1000 && trace.missed > 0, `${stream.writableLength}`);
  for (let at = 0; at < 10; at += 1) {
    await until(() => waiting.length > 0);
    waiting.shift()();
  }
  await until(() => stream.lines.length === 11);
  stream.destroy();
  await turn();
  say("slow", "over");
  assert.equal(stream.lines.length, 11);
});

test("a stream that has ended, broken or gone ends the trace quietly", async () => {
  const ends = {
    end: (stream) => stream.end(),
    destroy: (stream) => stream.destroy(),
    "destroy with an error": (stream) => stream.destroy(new Error("EPIPE")),
    "fail to write": (stream) => {
      stream._write = (_chunk, _encoding, done) => done(new Error("EPIPE"));
    },
    "fail later": (stream) => {
      stream._write = (_chunk, _encoding, done) => setImmediate(done, new Error("EPIPE"));
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    const stream = new Collector();
    const trace = rt.trace({ stream, topic: "gone" });
    say("gone", 1);
    await until(() => stream.lines.length === 1);
    end(stream);
    for (let at = 0; at < 3; at += 1) say("gone", at);
    await turn();
    await turn();
    say("gone", "more");
    await turn();
    assert.equal(stream.lines.length, 1, how);
    trace.close();
  }
  // Not every stream is Node's.
  const plain = Object.assign(new EventEmitter(), { lines: [] });
  plain.write = (line, done) => {
    plain.lines.push(line);
    done();
    return true;
  };
  const trace = rt.trace({ stream: plain, topic: "plain" });
  say("plain", 1);
  await until(() => plain.lines.length === 1);
  trace.close();
});

test("options are checked, and a closed runtime has no trace", async () => {
  const stream = new Collector();
  const wrong = [
    { stream: {} },
    { stream: null },
    { stream, width: "x" },
    { stream, colour: "red" },
    { stream, performtive: "inform" },
  ];
  for (const options of wrong) assert.throws(() => rt.trace(options), InvalidArgument);
  const other = new Runtime();
  other.trace({ stream });
  await other.close();
  await until(() => stream.listenerCount("error") === 0);
  assert.throws(() => other.trace({ stream }), Closed);
});

test("a trace on standard output neither holds the process nor breaks it", async () => {
  const script = `
    const rt = new Runtime();
    rt.trace({ topic: "x" });
    rt.trySend({ performative: "inform", receiver: "topic:x", content: "seen" });`;
  const { code, stdout, stderr } = await runScript(script);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  assert.match(stdout, /^ +0\.000 +host +→ topic:x +inform +- +- +"seen"\n$/);
  // Nobody reads what is written.
  const broken = await runScript(`
    import { spawn } from "node:child_process";
    const source = ${JSON.stringify(`
      import { Runtime } from "caxton";
      const rt = new Runtime();
      rt.trace({ topic: "x" });
      process.stdin.resume();
      await new Promise((resolve) => process.stdin.once("end", resolve));
      for (let at = 0; at < 5; at += 1) {
        for (let say = 0; say < 3; say += 1) rt.trySend({ performative: "inform", receiver: "topic:x" });
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
      console.error("done");`)};
    const child = spawn(process.execPath, ["--input-type=module", "-e", source]);
    child.stdout.destroy();
    child.stdout.on("close", () => child.stdin.end());
    child.stderr.pipe(process.stdout);
    child.on("exit", (code) => console.log(code));`);
  assert.deepEqual(broken.stdout.split("\n").filter(Boolean).sort(), ["0", "done"]);
});
