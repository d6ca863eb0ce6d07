'use strict';

// A Faye server at /faye with an HTTP endpoint, on a port of its own, by which
// tests command it. Arguments are name=value: port (0: any), timeout in
// milliseconds, ws (true or false). It prints "ready PORT ADMINPORT" when it
// serves, and ends when its standard input does.

const http = require('node:http');
const faye = require('faye');

const options = Object.fromEntries(process.argv.slice(2).map((arg) => arg.split('=', 2)));
const bayeux = new faye.NodeAdapter({ mount: '/faye', timeout: Number(options.timeout ?? 20000) / 1000 });

const received = new Map(); // channel: what clients published, in the order in which the server took it
const sessions = new Map(); // clientId: its subscriptions
let own; // the clientId of the publisher

bayeux.addExtension({
  incoming(message, callback) {
    const channel = message.channel === '/meta/subscribe' ? message.subscription : message.channel;
    if (String(channel).startsWith('/deny/')) message.error = `403:${channel}:Forbidden channel`;
    callback(message);
  },
});
bayeux.on('handshake', (id) => sessions.set(id, new Set()));
bayeux.on('disconnect', (id) => sessions.delete(id));
bayeux.on('subscribe', (id, channel) => sessions.get(id)?.add(channel));
bayeux.on('unsubscribe', (id, channel) => sessions.get(id)?.delete(channel));
bayeux.on('publish', (id, channel, data) => {
  if (id === own) return;
  if (!received.has(channel)) received.set(channel, []);
  received.get(channel).push(data);
});

const others = () => [...sessions.keys()].filter((id) => id !== own);

const commands = {
  // Publishes {"n":from} and the count-1 numbers after it; rate is a second, 0 as fast as it goes.
  async '/publish'({ channel, count = 1, from = 1, rate = 0 }) {
    const start = performance.now();
    for (let i = 0; i < Number(count); i++) {
      const wait = rate > 0 ? start + (i * 1000) / rate - performance.now() : 0;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await bayeux.getClient().publish(channel, { n: Number(from) + i });
    }
    return Number(count);
  },
  '/received': ({ channel }) => received.get(channel) ?? [],
  '/sessions': () => others().map((id) => ({ id, subscriptions: [...sessions.get(id)].sort() })),
  // Removes one session, or all, as the engine does with those that expired.
  '/remove'({ session }) {
    const ids = others().filter((id) => session === undefined || id === session);
    for (const id of ids) bayeux._server._engine.destroyClient(id);
    return ids.length;
  },
};

const admin = http.createServer(async (request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1');
  try {
    response.end(JSON.stringify(await commands[url.pathname](Object.fromEntries(url.searchParams))));
  } catch (error) {
    console.error(error);
    response.writeHead(500).end(JSON.stringify(String(error)));
  }
});

const server = http.createServer();
bayeux.attach(server);
if (options.ws === 'false') {
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request, socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
}

const listening = (s, port) => new Promise((resolve, reject) => s.once('error', reject).listen(port, '127.0.0.1', resolve));

async function main() {
  await new Promise((resolve) => bayeux.getClient().connect(resolve));
  [own] = sessions.keys();
  await listening(admin, 0);
  await listening(server, Number(options.port ?? 0));
  console.log(`ready ${server.address().port} ${admin.address().port}`);
  process.stdin.on('end', () => process.exit(0)).resume();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
