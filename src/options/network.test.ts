import { describe, expect, it } from 'vitest';
import { requireFilter } from './network.ts';
import { parseQemuOptions } from './qemu.ts';

const parse = (...network: string[]) => parseQemuOptions(['-M', 'integratorcp', '-kernel', 'zImage', ...network]).nic;
const NET1 = ['-netdev', 'user,id=net1'];
const NIC = ['-net', 'nic,netdev=net1'];

describe('the network on a command line', () => {
  it('is not there unless asked for', () => {
    expect(parse()).toBeUndefined();
    expect(parse('-net', 'none')).toBeUndefined();
    expect(parse('-nic', 'none')).toBeUndefined();
  });

  it('connects the interface with the network that it names, in any order', () => {
    const connected = { mac: '525400123456', netdev: { id: 'net1', backend: { kind: 'user', user: {} }, filtered: false, dumps: [] } };
    expect(parse(...NET1, ...NIC)).toEqual(connected);
    expect(parse(...NIC, ...NET1)).toEqual(connected);
    expect(parse('-net', 'nic,macaddr=52:54:00:AB:cd:ef,model=smc91c111')).toEqual({ mac: '525400abcdef', netdev: undefined });
  });

  it('takes all of it in one option', () => {
    const hostfwd = ['tcp::2222-:22', 'udp:127.0.0.1:5353-10.0.2.15:53'];
    expect(parse('-nic', `user,mac=52:54:00:00:00:01,restrict=on,hostname=guest,hostfwd=${hostfwd[0]},hostfwd=${hostfwd[1]}`)).toEqual({
      mac: '525400000001',
      netdev: { id: 'nic0', backend: { kind: 'user', user: { restrict: true, hostname: 'guest', hostfwd } }, filtered: false, dumps: [] },
    });
  });

  it.each([
    ['listen=:1234', { role: 'server', host: 'localhost', port: 1234 }],
    ['listen=1234', { role: 'server', host: 'localhost', port: 1234 }],
    ['listen=0.0.0.0:0', { role: 'server', host: '0.0.0.0', port: 0 }],
    ['connect=127.0.0.1:1234', { role: 'client', host: '127.0.0.1', port: 1234 }],
    ['connect=[::1]:1234', { role: 'client', host: '::1', port: 1234 }],
  ])('joins machines by a socket: %s', (ends, socket) => {
    const backend = { kind: 'socket', ...socket };
    expect(parse('-netdev', `socket,id=net1,${ends}`, ...NIC)?.netdev).toEqual({ id: 'net1', backend, filtered: false, dumps: [] });
    expect(parse('-nic', `socket,mac=52:54:00:00:00:02,${ends}`)).toEqual({
      mac: '525400000002',
      netdev: { id: 'nic0', backend, filtered: false, dumps: [] },
    });
  });

  it('dumps frames into files, beside the filter that records them', () => {
    const dump = (rest: string) => ['-object', `filter-dump,netdev=net1,${rest}`];
    const netdev = parse(
      ...NET1,
      ...NIC,
      ...dump('id=a,file=a.pcap'),
      '-object',
      'filter-replay,id=r,netdev=net1',
      ...dump('id=b,file=b,maxlen=96'),
    )?.netdev;
    expect(netdev?.filtered).toBe(true);
    expect(netdev?.dumps).toEqual([
      { id: 'a', file: 'a.pcap', maxlen: 65536 },
      { id: 'b', file: 'b', maxlen: 96 },
    ]);
    expect(parse(...NET1, ...NIC, ...dump('id=a,file=a.pcap'))?.netdev?.filtered).toBe(false);
  });

  it.each([
    ['-nic', 'model=help'],
    ['-net', 'nic,model=help'],
  ])('lists the models: %s %s', (option, value) => {
    expect(parseQemuOptions([option, value]).request).toBe('nics');
  });

  it('needs a filter to be recorded or replayed, and says which', () => {
    const filtered = parse(...NET1, ...NIC, '-object', 'filter-replay,id=replay,netdev=net1');
    expect(filtered?.netdev?.filtered).toBe(true);
    expect(() => requireFilter(filtered)).not.toThrow();
    expect(() => requireFilter(parse(...NET1, ...NIC))).toThrow('add -object filter-replay,id=replay,netdev=net1');
    expect(() => requireFilter(parse('-net', 'nic'))).not.toThrow();
    expect(() => requireFilter(undefined)).not.toThrow();
  });

  it.each([
    [['-netdev', 'user'], 'a network needs a name: id=net1'],
    [['-netdev', 'tap,id=net1'], 'expects user or socket'],
    [['-netdev', 'id=net1'], 'the type is missing'],
    [['-netdev', 'socket,id=net1'], 'needs one of listen=[HOST]:PORT and connect=HOST:PORT'],
    [['-netdev', 'socket,id=net1,listen=:1,connect=a:1'], 'needs one of'],
    [['-netdev', 'socket,id=net1,connect=:1'], 'expects listen=[HOST]:PORT or connect=HOST:PORT'],
    [['-netdev', 'socket,id=net1,connect=a:0'], 'expects a number from 1 to 65535'],
    [['-netdev', 'socket,id=net1,listen=a:b:c'], 'expects listen=[HOST]:PORT'],
    [['-netdev', 'socket,id=net1,mcast=230.0.0.1:1234'], 'there are no multicast groups here; join two machines with listen='],
    [['-netdev', 'socket,id=net1,udp=a:1,localaddr=b:1'], 'there are no sockets over UDP here'],
    [['-netdev', 'socket,id=net1,fd=3'], 'no open socket can be handed over'],
    [['-netdev', 'socket,id=net1,listen=:1,hostfwd=tcp::1-:1'], "'hostfwd' belongs to a network of type user"],
    [['-nic', 'user,listen=:1'], "'listen' belongs to a network of type socket"],
    [['-nic', 'user', '-net', 'nic'], 'the machine has one network interface'],
    [['-net', 'user,hostfwd=tcp::1-:1'], 'write -nic user,hostfwd=tcp::1-:1, or -netdev user,id=net1 with -net nic,netdev=net1'],
    [['-net', 'tap'], 'expects nic or none'],
    [[...NET1, ...NET1], "there is a network 'net1' already"],
    [[...NIC], "there is no network 'net1'; add -netdev user,id=net1"],
    [['-net', 'nic', '-net', 'nic'], 'the machine has one network interface'],
    [['-net', 'nic,macaddr=1:2:3'], 'a MAC address looks like'],
    [['-net', 'nic,model=e1000'], 'expects smc91c111'],
    [['-netdev', 'user,id=a,hostfd=x'], 'did you mean hostfwd?'],
    [['-object', 'filter-replay,id=replay,netdev=net1'], "there is no network 'net1'"],
    [['-object', 'filter-replay,id=replay'], 'a filter needs a name and a network'],
    [['-object', 'filter-mirror,id=d,netdev=net1'], 'expects filter-replay or filter-dump'],
    [['-object', 'filter-dump,id=d,netdev=net1'], 'a dump needs a file'],
    [['-object', 'filter-dump,id=d,netdev=net1,file=f,maxlen=0'], 'expects a number from 1 to'],
    [['-object', 'filter-replay,id=d,netdev=net1,file=f'], 'belong to filter-dump'],
    [[...NET1, '-object', 'filter-dump,id=a,netdev=net1,file=f', '-object', 'filter-replay,id=a,netdev=net1'], "there are two filters 'a'"],
    [[...NET1, '-object', 'filter-replay,id=a,netdev=net1', '-object', 'filter-replay,id=b,netdev=net1'], 'has two filters'],
  ])('refuses %j', (network, message) => {
    expect(() => parse(...network)).toThrow(message);
  });
});
