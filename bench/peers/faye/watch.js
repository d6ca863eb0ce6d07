'use strict';

// Watches a channel with Faye's client on its defaults, and prints "dial" and then
// the number in each event, one a line. Arguments: URL, channel.

const faye = require('faye');

const [url, channel] = process.argv.slice(2);
console.log('dial');
new faye.Client(url).subscribe(channel, (data) => console.log(data.n));
