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
    const connected = { mac: '525400123456', netdev: { id: 'net1', user: {}, filtered: false } };
    expect(parse(...NET1, ...NIC)).toEqual(connected);
    expect(parse(...NIC, ...NET1)).toEqual(connected);
    expect(parse('-net', 'nic,macaddr=52:54:00:AB:cd:ef,model=smc91c111')).toEqual({ mac: '525400abcdef', netdev: undefined });
  });

  it('takes all of it in one option', () => {
    const hostfwd = ['tcp::2222-:22', 'udp:127.0.0.1:5353-10.0.2.15:53'];
    expect(parse('-nic', `user,mac=52:54:00:00:00:01,restrict=on,hostname=guest,hostfwd=${hostfwd[0]},hostfwd=${hostfwd[1]}`)).toEqual({
      mac: '525400000001',
      netdev: { id: 'nic0', user: { restrict: true, hostname: 'guest', hostfwd }, filtered: false },
    });
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
    [['-netdev', 'tap,id=net1'], 'expects user'],
    [[...NET1, ...NET1], "there is a network 'net1' already"],
    [[...NIC], "there is no network 'net1'; add -netdev user,id=net1"],
    [['-net', 'nic', '-net', 'nic'], 'the machine has one network interface'],
    [['-net', 'nic,macaddr=1:2:3'], 'a MAC address looks like'],
    [['-net', 'nic,model=e1000'], 'expects smc91c111'],
    [['-netdev', 'user,id=a,hostfd=x'], 'did you mean hostfwd?'],
    [['-object', 'filter-replay,id=replay,netdev=net1'], "there is no network 'net1'"],
    [['-object', 'filter-replay,id=replay'], 'a filter needs a name and a network'],
    [['-object', 'filter-dump,id=d,netdev=net1'], 'expects filter-replay'],
    [[...NET1, '-object', 'filter-replay,id=a,netdev=net1', '-object', 'filter-replay,id=b,netdev=net1'], 'has two filters'],
  ])('refuses %j', (network, message) => {
    expect(() => parse(...network)).toThrow(message);
  });
});
