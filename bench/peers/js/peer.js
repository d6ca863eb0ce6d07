// Makes one measurement of CometD's JavaScript client under Node.js. Its argument
// and the last line that it prints are JSON. It needs --expose-gc.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { adapt } from "cometd-nodejs-client";
import { AckExtension, CometD } from "cometd";

const opening = 64; // sessions at a time
const settling = 2000; // milliseconds

const spec = JSON.parse(process.argv[2]);
const now = () => Number(process.hrtime.bigint());

adapt();

// The server's Jetty 12.1.2 closes a socket with compression now and then (1011,
// "Demand already fulfilled"), and no other client here asks for it.
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(url, protocols) {
    super(url, protocols, { perMessageDeflate: false });
  }
};

// open opens a session on one transport alone, with a subscription.
function open(listener) {
  const session = new CometD();
  for (const name of session.getTransportTypes()) {
    if (name !== spec.Kind) session.unregisterTransport(name);
  }
  session.configure({ url: spec.URL, logLevel: "warn" });
  if (spec.Ack) session.registerExtension("ack", new AckExtension());
  return new Promise((resolve, reject) => {
    const refused = (reply) => reject(new Error(JSON.stringify(reply)));
    session.handshake((reply) => {
      if (!reply.successful) return refused(reply);
      session.subscribe(spec.Channel, listener, (accepted) => {
        if (!accepted.successful) return refused(accepted);
        resolve(session);
      });
    });
  });
}

// latency is from the call that publishes to the listener of the same session, one at a time.
async function latency() {
  let arrived;
  const session = await open((message) => arrived(message.data.n));
  let seen = 0;
  setInterval(() => {
    if (took.length === seen && now() > counted) throw new Error("no event within 10 s");
    seen = took.length;
  }, 10_000);
  const took = [];
  const counted = now() + spec.Warm * 1e9;
  const end = counted + spec.Seconds * 1e9;
  for (let n = 0; now() < end; n++) {
    const at = now();
    const came = await new Promise((resolve) => {
      arrived = () => resolve(now());
      session.publish(spec.Channel, { n });
    });
    if (at >= counted) took.push(came - at);
    await new Promise(setImmediate); // the next is published by the application, not by what reads
  }
  took.sort((a, b) => a - b);
  const at = (part) => took[Math.min(Math.floor(part * took.length), took.length - 1)] / 1e3;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), events: took.length };
}

// receive takes events as fast as the server publishes them. It asks for bursts, so that one or two are under way.
async function receive() {
  const burst = { channel: spec.Channel, count: spec.N, text: spec.Text };
  let got = 0;
  const session = await open((message) => {
    if (typeof message.data.n === "number" && ++got % spec.N === 0) session.publish("/service/flood", burst);
  });
  for (let i = 0; i < 2; i++) session.publish("/service/flood", burst);
  await pause(spec.Warm * 1e3);
  const [before, cpu, begun] = [got, process.cpuUsage(), now()];
  await pause(spec.Seconds * 1e3);
  const used = process.cpuUsage(cpu);
  if (got === before) throw new Error("no event came");
  const [count, spent, took] = [got - before, (used.user + used.system) / 1e6, (now() - begun) / 1e9];
  return { "msgs/s": count / took, "msgs/cpu-s": count / spent, cores: spent / took };
}

// idle is what sessions occupy on which nothing happens, beside one that was there before.
async function idle() {
  const all = [await open(() => {})];
  await pause(settling);
  const before = await occupied();
  const begun = now();
  let left = spec.N;
  const opener = async () => {
    while (left-- > 0) all.push(await open(() => {}));
  };
  await Promise.all(Array.from({ length: opening }, opener));
  const took = (now() - begun) / 1e9;
  await pause(settling);
  const after = await occupied();
  if (!all.every((session) => session.getStatus() === "connected")) throw new Error("a session is not connected");
  return {
    "RSS kB": (after.resident - before.resident) / spec.N,
    "heap kB": (after.heap - before.heap) / spec.N,
    "process MB": after.resident / 1024,
    "opened s": took,
  };
}

// occupied is in KB: resident, and of live objects, after garbage was collected.
async function occupied() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await pause(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  const line = /VmRSS:\s*(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
  return { resident: Number(line[1]), heap: (heapUsed + external) / 1024 };
}

const measures = { "peers-latency": latency, "peers-receive": receive, "peers-idle": idle };
console.log(JSON.stringify(await measures[spec.Measure]()));
process.exit(0);
