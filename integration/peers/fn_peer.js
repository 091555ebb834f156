// The same function for Fn's Node kit: the bytes that came, under the content type they came with.
const fdk = require('@fnproject/fdk');

fdk.handle(
  (input, ctx) => {
    if (input && input.toString() === 'fail') {
      throw new Error('as asked');
    }
    ctx.responseContentType = ctx.contentType || 'application/octet-stream';
    return fdk.rawResult(input || Buffer.alloc(0));
  },
  { inputMode: 'buffer' },
);
