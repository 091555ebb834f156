// What functions tell of what they were given, under the Node functions framework.
exports.http = (request, response) => {
  const url = new URL(request.originalUrl, 'http://localhost');
  const body = (request.rawBody || Buffer.alloc(0)).toString('base64');
  const query = [...url.searchParams.entries()];
  response.json({ method: request.method, path: decodeURIComponent(url.pathname), query, body });
};

exports.cloudEvent = event => {
  if (event.type === 'fail') {
    throw new Error('as asked');
  }
};

exports.broken = () => {
  throw new Error('as asked');
};
