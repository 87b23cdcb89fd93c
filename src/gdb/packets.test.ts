import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePacket, latin1, PACKET_BYTES, PacketDecoder, type Received } from './packets.ts';

const decode = (...chunks: string[]): Received[] => {
  const decoder = new PacketDecoder();
  return chunks.flatMap((chunk) => [...decoder.push(latin1(chunk))]);
};
const framed = (payload: string): string => {
  const sum = [...payload].reduce((total, char) => total + char.charCodeAt(0), 0) & 0xff;
  return `$${payload}#${sum.toString(16).padStart(2, '0')}`;
};
const packet = (payload: string): Received => ({ kind: 'packet', payload });
const GARBLED: Received = { kind: 'garbled' };

describe('a packet', () => {
  it('is taken out of the stream, however it is cut', () => {
    expect(decode('$g#67')).toEqual([packet('g')]);
    expect(decode('$', 'm80', '00,4', '#', '9', '5')).toEqual([packet('m8000,4')]);
    expect(decode(framed('m8000,4') + framed(''))).toEqual([packet('m8000,4'), packet('')]);
  });

  it('has the checksum of its payload, in either case', () => {
    expect(decode('$OK#9a', '$OK#9A', '$OK#9b', '$OK#9', 'z')).toEqual([packet('OK'), packet('OK'), GARBLED, GARBLED]);
  });

  it('may be among acknowledgements, interrupts and noise', () => {
    expect(decode('+-\x03hello\0$g#67+')).toEqual([{ kind: 'ack' }, { kind: 'nak' }, { kind: 'interrupt' }, packet('g'), { kind: 'ack' }]);
  });

  it('is lost when another one begins within it', () => {
    expect(decode('$m800$g#67', '$m8#0$g#67')).toEqual([packet('g'), packet('g')]);
  });

  it('can have escapes and runs', () => {
    expect(decode(framed('X0,4:}\x03}\x04}]}\x0a'))).toEqual([packet('X0,4:#$}*')]);
    // The manual's example: "0* " is four zeros.
    expect(decode(framed('0* '), framed('a*~b'))).toEqual([packet('0000'), packet(`${'a'.repeat(98)}b`)]);
  });

  it.each(['}', 'a*', '* ', 'a*\x1f', 'a*\x7f'])('that ends in nonsense is garbled: %j', (payload) => {
    expect(decode(framed(payload))).toEqual([GARBLED]);
  });

  it('has a bound, before and after its runs are expanded, and the next one is well', () => {
    expect(decode(framed('x'.repeat(PACKET_BYTES)))).toEqual([packet('x'.repeat(PACKET_BYTES))]);
    expect(decode(framed('x'.repeat(PACKET_BYTES + 1)), '$g#67')).toEqual([{ kind: 'oversized' }, packet('g')]);
    expect(decode(framed('x*~'.repeat(1000)))).toEqual([{ kind: 'oversized' }]);
    expect(decode(`$${'x'.repeat(1_000_000)}`, '$g#67')).toEqual([packet('g')]);
  });
});

describe('encoding', () => {
  it('is undone by decoding, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const payload = String.fromCharCode(...bytes);
        expect([...new PacketDecoder().push(encodePacket(payload))]).toEqual([packet(payload)]);
      }),
    );
  });

  it('survives any stream of bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('$', '#', '}', '*', '+', '-', '\x03', 'a', '6', '7', '~'), { maxLength: 200 }), (chars) => {
        for (const received of decode(chars.join('')))
          if (received.kind === 'packet') expect(received.payload.length).toBeLessThanOrEqual(PACKET_BYTES);
        // Whatever came before, a packet that begins anew is read.
        expect(decode(`${chars.join('')}$g#67`).at(-1)).toEqual(packet('g'));
      }),
    );
  });
});
