/** A guest's programs use what the user-mode network offers; tshark judges every frame of it. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { hasTool } from './support/outside.ts';
import { reprise, start, temporaryFolder } from './support/program.ts';
import { hasLinux, linux } from './support/recordings.ts';

const WHAT = 'frames of a session judged by tshark';
const MINUTES = 60_000;
const CHECKED = ['ip', 'udp', 'tcp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`]);

/** The frames that a filter picks, a line each. */
function tshark(file: string, filter: string): string[] {
  const { stdout, status } = spawnSync('tshark', ['-r', file, ...CHECKED, '-Y', filter], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  expect(status, `tshark -Y '${filter}'`).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(!hasLinux(WHAT) || !hasTool('tshark', WHAT))('the protocols of the user-mode network', () => {
  const folder = temporaryFolder(afterAll);

  it('are sound, in a dump that equals the exported one', { timeout: 5 * MINUTES }, async () => {
    const [path, dump, exported] = ['session.rec', 'session.pcap', 'exported.pcap'].map((name) => join(folder, name));
    const blob = randomBytes(300_000);
    writeFileSync(join(folder, 'file'), randomBytes(5000));
    const http = createServer((_request, response) => response.end(blob)).listen(0, '127.0.0.1');
    // A server of its own for TFTP (RFC 1350), on a socket of this computer: its first block of data is the last.
    const udp = createSocket('udp4').on('message', (bytes, from) => {
      if (bytes[1] === 1) udp.send('\0\x03\0\x01a datagram\n', from.port, from.address);
    });
    await new Promise<void>((bound) => udp.bind(0, '127.0.0.1', bound));
    onTestFinished(() => {
      http.close();
      udp.close();
    });
    const guest = start(
      onTestFinished,
      'reprise',
      [
        ...['record', '-o', path, ...linux('rdinit=/bin/sh quiet'), '-serial', 'stdio', '-icount', 'shift=3,sleep=on'],
        ...['-netdev', `user,id=net1,tftp=${folder}`, '-net', 'nic,netdev=net1', '-object', `filter-dump,id=dump,netdev=net1,file=${dump}`],
      ],
      { input: 'open' },
    );
    await guest.shows('# ', MINUTES);
    const says = async (command: string, answer: string): Promise<void> => {
      guest.send(`${command}\n`);
      await guest.shows(answer, MINUTES);
    };
    await says('export PATH=/bin; mount -t proc p /proc; ip link set eth0 up; udhcpc -i eth0 -n -q', 'DHCP 10.0.2.15 via 10.0.2.2');
    await says('busybox nslookup localhost 10.0.2.3', 'Address: 127.0.0.1');
    await says('ping -c 2 -s 3000 10.0.2.2', '2 packets received');
    await says('tftp -g -r file -l /file 10.0.2.2; wc -c /file', '5000 /file');
    await says(`wget -qO /blob http://10.0.2.2:${(http.address() as AddressInfo).port}/; wc -c /blob`, '300000 /blob');
    await says(`tftp -g -r any -l /said 10.0.2.2 ${udp.address().port}; cat /said`, 'a datagram\r\n');
    guest.send('reboot -f\n');
    const { status, stderr } = await guest.done;
    expect(status, stderr).toBe(0);

    const { status: done } = await reprise(['export', path, '--pcap', exported]);
    expect(done).toBe(0);
    expect(Buffer.compare(readFileSync(dump), readFileSync(exported))).toBe(0);
    for (const spoken of ['dhcp.option.dhcp == 5', 'dns.flags.response == 1', 'icmp.type == 0', 'tftp.opcode == 3', 'http.response.code == 200'])
      expect(tshark(dump, spoken), spoken).not.toEqual([]);
    expect(tshark(dump, `udp.srcport == ${udp.address().port}`)).not.toEqual([]);
    expect(tshark(dump, 'tcp.checksum.status == 1').length, 'checksums are looked at').toBeGreaterThan(200);
    expect(tshark(dump, '_ws.malformed || _ws.expert.severity == error')).toEqual([]);
    expect(tshark(dump, ['ip', 'udp', 'tcp', 'icmp'].map((protocol) => `${protocol}.checksum.status == 0`).join(' || '))).toEqual([]);
    expect(tshark(dump, 'tcp.analysis.flags && !tcp.analysis.window_update && !tcp.analysis.window_full')).toEqual([]);
  });
});
