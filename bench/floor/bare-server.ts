import { createServer } from 'node:net';

// Answers every chunk of bytes with the same answer, without looking at it. What a load generator reaches here is its own
// maximum: it sends one request at a time per connection, so that a chunk with the end of a request is one request.

const [bodyBytes] = process.argv.slice(2).map(Number);
const answer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}');

const server = createServer({ noDelay: true }, (socket) => {
  let waiting = 0;
  socket.on('data', (bytes) => {
    // A large request arrives in several chunks. Its head is a few hundred bytes, so the body's size decides.
    waiting += bytes.length;
    if (waiting < (bodyBytes ?? 0)) return;
    waiting = 0;
    socket.write(answer);
  });
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  process.stdout.write(`the bare server listens at http://127.0.0.1:${address.port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
