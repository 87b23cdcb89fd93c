// Preloaded into a replay: whoever opens a socket, or asks for a name, ends the program.
import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const forbid = (what) => () => {
  process.stderr.write(`a replay must not ${what}\n`);
  process.exit(99);
};
net.createConnection = net.connect = forbid('connect');
net.Socket.prototype.connect = forbid('connect');
net.Server.prototype.listen = forbid('listen');
dgram.createSocket = forbid('open a UDP socket');
dns.lookup = dns.resolve = forbid('look up a name');
dns.promises.lookup = dns.promises.resolve = forbid('look up a name');
syncBuiltinESMExports();
