import { absent, type BitField, defineBank, type Register, ro, rsvd, rw, wo } from '../../registers/bank.ts';
import { primeCellIds } from '../../registers/primecell.ts';

type Absent = Register<{ readonly all: BitField }> & { readonly computed: true };
type Channel = 2 | 3 | 4;
type ChannelNames<N extends Channel> = `AACIRXCR${N}` | `AACITXCR${N}` | `AACISR${N}` | `AACIISR${N}` | `AACIIE${N}` | `AACIDR${N}`;

/** Where samples for the first channel are written: any word of this window, so that a block transfer fits. */
export const DATA_WINDOW = { from: 0x090, to: 0x0b0 } as const;

/** The registers of a channel that the part could have. */
function absentChannel<const N extends Channel>(n: N): { readonly [K in ChannelNames<N>]: Absent } {
  const register = (offset: number): Absent => ({
    offset,
    width: 32,
    reset: 0,
    section: '3.3',
    computed: true,
    fields: { all: absent(31, 0, 'there is one channel only') },
  });
  const names = ['RXCR', 'TXCR', 'SR', 'ISR', 'IE'].map((name, i) => [`AACI${name}${n}`, register((n - 1) * 0x14 + 4 * i)]);
  return Object.fromEntries([...names, [`AACIDR${n}`, register(0x070 + 0x20 * n)]]) as { readonly [K in ChannelNames<N>]: Absent };
}

const slot = (fieldDoc: string) => ({ section: '3.3', width: 32, reset: 0, fields: { DATA: rw(19, 0, fieldDoc), reserved: rsvd(31, 20) } }) as const;

export const PL041 = defineBank(
  'PrimeCell advanced audio codec interface (PL041)',
  'ARM DDI 0173B, PrimeCell Advanced Audio CODEC Interface (PL041) Technical Reference Manual; one channel, 512 deep',
  {
    AACIRXCR1: {
      offset: 0x000,
      width: 32,
      reset: 0,
      section: '3.3',
      fields: {
        RXEN: rw(0, 0, 'receive enable: stored, nothing is received'),
        RX: rw(12, 1),
        RSIZE: rw(14, 13),
        RXCM: rw(15),
        RXFEN: rw(16),
        TOC: rw(28, 17),
        reserved: rsvd(31, 29),
      },
    },
    AACITXCR1: {
      offset: 0x004,
      width: 32,
      reset: 0,
      section: '3.3',
      fields: {
        TXEN: rw(0, 0, 'transmit enable'),
        TX: rw(12, 1, 'slots 1 to 12 that take samples in each frame'),
        TSIZE: rw(14, 13, 'bits in a sample: stored, samples are thrown away'),
        TXCM: rw(15, 15, 'compact mode: two samples in a word'),
        TXFEN: rw(16, 16, 'FIFO of 512 samples, else of one'),
        reserved: rsvd(31, 17),
      },
    },
    AACISR1: {
      offset: 0x008,
      width: 32,
      reset: 0x0b,
      section: '3.3',
      computed: true,
      fields: {
        RXFE: ro(0, 0, 'receive FIFO empty: always'),
        TXFE: ro(1, 1, 'transmit FIFO empty'),
        RXHF: ro(2),
        TXHE: ro(3, 3, 'transmit FIFO at least half empty'),
        RXFF: ro(4),
        TXFF: ro(5, 5, 'transmit FIFO has no room for a word'),
        RXB: ro(6),
        TXB: ro(7, 7, 'samples are being sent'),
        RXO: ro(8),
        TXU: ro(9, 9, 'samples were missing'),
        RXTO: ro(10),
        RXTOFE: ro(11),
        reserved: rsvd(31, 12),
      },
    },
    AACIISR1: {
      offset: 0x00c,
      width: 32,
      reset: 0,
      section: '3.3',
      computed: true,
      fields: {
        TXCINTR: ro(0, 0, 'transmit complete: FIFO empty; in this and every bit only if enabled'),
        RXTOINTR: ro(1),
        TXINTR: ro(2, 2, 'transmit FIFO at least half empty'),
        RXINTR: ro(3),
        ORINTR: ro(4),
        URINTR: ro(5, 5, 'underrun'),
        RXTOFEINTR: ro(6),
        reserved: rsvd(31, 7),
      },
    },
    AACIIE1: {
      offset: 0x010,
      width: 32,
      reset: 0,
      section: '3.3',
      fields: { TXCIE: rw(0), RXTOIE: rw(1), TXIE: rw(2), RXIE: rw(3), ORIE: rw(4), URIE: rw(5), RXTOFEIE: rw(6), reserved: rsvd(31, 7) },
    },
    ...absentChannel(2),
    ...absentChannel(3),
    ...absentChannel(4),
    AACISL1RX: { offset: 0x050, ...slot('register index that the codec echoes, at 18:12') },
    AACISL1TX: { offset: 0x054, ...slot('read flag at 19, register index at 18:12: sent at once') },
    AACISL2RX: { offset: 0x058, ...slot('value that the codec answers, at 19:4') },
    AACISL2TX: { offset: 0x05c, ...slot('value to be written, at 19:4: sent with slot 1') },
    AACISL12RX: { offset: 0x060, ...slot('the codec has no slot 12: 0'), computed: true },
    AACISL12TX: { offset: 0x064, width: 32, reset: 0, section: '3.3', computed: true, fields: { DATA: absent(19, 0), reserved: rsvd(31, 20) } },
    AACISLFR: {
      offset: 0x068,
      width: 32,
      reset: 0x0a80,
      section: '3.3',
      computed: true,
      fields: {
        SL1RXBUSY: ro(0, 0, 'never seen: the link takes no time'),
        SL1TXBUSY: ro(1, 1, 'slot 1 waits to be sent'),
        SL2RXBUSY: ro(2),
        SL2TXBUSY: ro(3, 3, 'slot 2 waits to be sent'),
        SL12RXBUSY: ro(4),
        SL12TXBUSY: ro(5),
        SL1RXVALID: ro(6, 6, 'AACISL1RX was not read'),
        SL1TXEMPTY: ro(7),
        SL2RXVALID: ro(8, 8, 'AACISL2RX was not read'),
        SL2TXEMPTY: ro(9),
        SL12RXVALID: ro(10),
        SL12TXEMPTY: ro(11),
        RGPIOINTR: ro(12),
        RWIS: ro(13),
        reserved: rsvd(31, 14),
      },
    },
    AACISLISTAT: { offset: 0x06c, width: 32, reset: 0, section: '3.3', computed: true, fields: { all: ro(31, 0, 'slot interrupts: never') } },
    AACISLIEN: { offset: 0x070, width: 32, reset: 0, section: '3.3', computed: true, fields: { all: absent(31, 0, 'slot interrupts') } },
    AACIINTCLR: {
      offset: 0x074,
      width: 32,
      reset: 0,
      section: '3.3',
      computed: true,
      fields: {
        WISC: wo(0),
        RXOEC: wo(4, 1),
        TXUEC1: wo(5, 5, 'clears the underrun'),
        TXUEC: wo(8, 6),
        RXTOFEC: wo(12, 9),
        reserved: rsvd(31, 13),
      },
    },
    AACIMAINCR: {
      offset: 0x078,
      width: 32,
      reset: 0,
      section: '3.3',
      fields: {
        AACIFE: rw(0, 0, 'interface enable; clearing it empties the FIFO and the slots'),
        LOOPBK: absent(1),
        LPM: absent(2, 2, 'low power mode'),
        SL1RXEN: rw(3),
        SL1TXEN: rw(4),
        SL2RXEN: rw(5),
        SL2TXEN: rw(6),
        SL12RXEN: rw(7),
        SL12TXEN: rw(8),
        DMAEN: rw(9, 9, 'the DMA request lines are not connected: stored only'),
        SCRA: rw(11, 10, 'codec that slots 1 and 2 are for; only 0 is there'),
        reserved: rsvd(31, 12),
      },
    },
    AACIRESET: {
      offset: 0x07c,
      width: 32,
      reset: 0,
      section: '3.3',
      fields: { RESET: rw(0, 0, '0 holds the codec in reset'), reserved: rsvd(31, 1) },
    },
    AACISYNC: { offset: 0x080, width: 32, reset: 0, section: '3.3', fields: { SYNC: rw(0, 0, 'stored only'), reserved: rsvd(31, 1) } },
    AACIALLINTS: {
      offset: 0x084,
      width: 32,
      reset: 0,
      section: '3.3',
      computed: true,
      fields: { ISR1: ro(6, 0, 'AACIISR1'), ISR: ro(27, 7, 'the channels that are not there'), reserved: rsvd(31, 28) },
    },
    AACIMAINFR: {
      offset: 0x088,
      width: 32,
      reset: 0,
      section: '3.3',
      computed: true,
      fields: { RXB: ro(0), TXB: ro(1, 1, 'samples are being sent'), reserved: rsvd(31, 2) },
    },
    AACIDR1: {
      offset: DATA_WINDOW.from,
      width: 32,
      reset: 0,
      section: '3.3',
      computed: true,
      fields: { DATA: rw(31, 0, 'samples to be sent, at any of eight words; reads as 0') },
    },
    ...primeCellIds('AACIPERIPHID', 'AACIPCELLID', [0x41, 0x10, 0x04, 0x29], { periph: '3.3', cell: '3.3' }),
  },
);
