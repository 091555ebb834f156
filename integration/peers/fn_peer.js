// The function echo for Fn's Node kit.
const fdk = require('@fnproject/fdk');

fdk.handle(
  (input, ctx) => {
    if (input && input.toString() === 'fail') {
      throw new Error('as asked');
    }
    ctx.responseContentType = 'application/octet-stream';
    return fdk.rawResult(input || Buffer.alloc(0));
  },
  { inputMode: 'buffer' },
);
