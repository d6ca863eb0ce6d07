// Watches a channel with CometD's JavaScript client on its defaults, and prints
// "dial" and then the number in each event, one a line. Arguments: URL, channel.
import { adapt } from "cometd-nodejs-client";
import { CometD } from "cometd";

const [url, channel] = process.argv.slice(2);

adapt();

// See peer.js: the server's Jetty fails with compression now and then.
const Socket = window.WebSocket;
window.WebSocket = class extends Socket {
  constructor(address, protocols) {
    super(address, protocols, { perMessageDeflate: false });
  }
};

const session = new CometD();
session.configure({ url, logLevel: "error" });
// As its manual advises: subscribe in each handshake's listener.
session.addListener("/meta/handshake", (reply) => {
  if (reply.successful) session.subscribe(channel, (message) => console.log(message.data.n));
});
console.log("dial");
session.handshake();
