import { expect, test } from 'vitest';
import { formatIpv4 } from '../packets/addresses.ts';
import { type UserNetOptions, userNetConfig } from './config.ts';

const places = (options: UserNetOptions) => {
  const { net, mask, host, dns, dhcpStart } = userNetConfig(options);
  return [net, mask, host, dns, dhcpStart].map(formatIpv4).join(' ');
};

test.each([
  [{}, '10.0.2.0 255.255.255.0 10.0.2.2 10.0.2.3 10.0.2.15'],
  [{ net: '192.168.76.0/24' }, '192.168.76.0 255.255.255.0 192.168.76.2 192.168.76.3 192.168.76.15'],
  [{ net: '192.168.76.9' }, '192.168.76.0 255.255.255.0 192.168.76.2 192.168.76.3 192.168.76.15'],
  [{ net: '10.0.0.0/8' }, '10.0.0.0 255.0.0.0 10.0.2.2 10.0.2.3 10.0.2.15'],
  [{ net: '172.16.0.0/255.255.0.0' }, '172.16.0.0 255.255.0.0 172.16.2.2 172.16.2.3 172.16.2.15'],
  [{ host: '10.0.2.100', dns: '10.0.2.101', dhcpstart: '10.0.2.50' }, '10.0.2.0 255.255.255.0 10.0.2.100 10.0.2.101 10.0.2.50'],
] as const)('%j', (options, expected) => {
  expect(places(options)).toBe(expected);
});

test.each([
  [{ net: 'here' }, "net: 'here' is not an IPv4 address such as 10.0.2.2"],
  [{ net: '10.0.2.0/31' }, 'net=10.0.2.0/31: the size of the network is 8 to 27 bits, or such a mask'],
  [{ net: '10.0.2.0/255.0.255.0' }, 'net=10.0.2.0/255.0.255.0: the size of the network is 8 to 27 bits, or such a mask'],
  [{ net: '10.0.2.0/0' }, 'net=10.0.2.0/0: the size of the network is 8 to 27 bits, or such a mask'],
  [{ host: '10.0.3.2' }, 'host=10.0.3.2 is not an address of a computer in 10.0.2.0/24'],
  [{ dns: '10.0.2.255' }, 'dns=10.0.2.255 is not an address of a computer in 10.0.2.0/24'],
  [{ host: '10.0.2.3' }, 'host= and dns= are both 10.0.2.3; give each an address of its own'],
  [{ dhcpstart: '10.0.2.250' }, 'dhcpstart=10.0.2.250 needs 16 free addresses from there on in 10.0.2.0/24; choose another'],
  [{ dhcpstart: '10.0.2.1' }, 'dhcpstart=10.0.2.1 needs 16 free addresses from there on in 10.0.2.0/24; choose another'],
  [{ hostname: 'a\nb' }, 'hostname= is 1 to 255 printable ASCII characters'],
  [{ bootfile: 'x'.repeat(128) }, 'bootfile= is 1 to 127 printable ASCII characters'],
  [{ hostfwd: ['80'] }, 'hostfwd=80 is not of the form tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport'],
  [{ hostfwd: ['icmp::1-:2'] }, 'hostfwd=icmp::1-:2 is not of the form tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport'],
  [{ hostfwd: ['tcp::70000-:2'] }, 'hostfwd=tcp::70000-:2: the ports are 0 to 65535 on the host and 1 to 65535 in the guest'],
  [{ hostfwd: ['tcp::1-:0'] }, 'hostfwd=tcp::1-:0: the ports are 0 to 65535 on the host and 1 to 65535 in the guest'],
  [{ hostfwd: ['tcp::1-10.0.9.9:1'] }, 'hostfwd=tcp::1-10.0.9.9:1: 10.0.9.9 is not an address of a guest in 10.0.2.0/24'],
] as const)('%j is an error', (options, message) => {
  expect(() => userNetConfig(options)).toThrow(expect.objectContaining({ code: 'BAD_VALUE', message }));
});

test.each([
  ['tcp::2222-:22', 'tcp 127.0.0.1 2222 10.0.2.15 22'],
  [':0.0.0.0:80-10.0.2.20:8080', 'tcp 0.0.0.0 80 10.0.2.20 8080'],
  ['udp:[::1]:0-:53', 'udp ::1 0 10.0.2.15 53'],
])('hostfwd=%s', (text, expected) => {
  const [{ protocol, hostAddress, hostPort, guestAddress, guestPort }] = userNetConfig({ hostfwd: [text] }).forwards;
  expect(`${protocol} ${hostAddress} ${hostPort} ${formatIpv4(guestAddress)} ${guestPort}`).toBe(expected);
});
