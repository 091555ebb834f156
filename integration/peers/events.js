// CloudEvents by the library of npm.
//
// `send`: each event of events.json as the HTTP messages that the library makes, a JSON object a line.
// `read`: an HTTP message, a JSON object on standard input, as the event that the library reads.
const fs = require('fs');
const path = require('path');
const { CloudEvent, HTTP } = require('cloudevents');

function event(given) {
  const { data, text, base64, ...attributes } = given;
  const content = base64 === undefined ? (data === undefined ? text : data) : Buffer.from(base64, 'base64');
  return new CloudEvent({ ...attributes, ...(content === undefined ? {} : { data: content }) });
}

function send() {
  for (const given of JSON.parse(fs.readFileSync(path.join(__dirname, 'events.json')))) {
    for (const mode of ['binary', 'structured']) {
      const message = HTTP[mode](event(given));
      const bytes = message.body === undefined ? Buffer.alloc(0) : Buffer.from(message.body);
      console.log(JSON.stringify({ id: given.id, mode, headers: message.headers, body: bytes.toString('base64') }));
    }
  }
}

function read() {
  const message = JSON.parse(fs.readFileSync(0));
  const found = HTTP.toEvent({ headers: message.headers, body: Buffer.from(message.body, 'base64').toString() });
  console.log(JSON.stringify({ attributes: { ...found, data: undefined }, data: found.data }));
}

({ send, read })[process.argv[2]]();
