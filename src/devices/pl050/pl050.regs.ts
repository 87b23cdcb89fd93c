import { defineBank, ro, rsvd, rw } from '../../registers/bank.ts';
import { primeCellIds } from '../../registers/primecell.ts';

export const PL050 = defineBank(
  'PrimeCell PS2 keyboard/mouse interface (PL050)',
  'ARM DDI 0143C, PrimeCell PS2 Keyboard/Mouse Interface (PL050) Technical Reference Manual',
  {
    KMICR: {
      offset: 0x00,
      width: 8,
      reset: 0,
      section: '3.3.1',
      fields: {
        FKMIC: rw(0, 0, 'holds the clock line low: nothing is sent or received'),
        FKMID: rw(1, 1, 'holds the data line low'),
        KmiEn: rw(2, 2, 'enables the interface; it works without, and the log tells'),
        KMITXINTREn: rw(3, 3, 'enables the transmit interrupt'),
        KMIRXINTREn: rw(4, 4, 'enables the receive interrupt'),
        KMITYPE: rw(5, 5, 'no line control bit: stored, frames are not formed'),
        reserved: rsvd(7, 6),
      },
    },
    KMISTAT: {
      offset: 0x04,
      width: 8,
      reset: 0x43,
      section: '3.3.2',
      computed: true,
      fields: {
        KMID: ro(0, 0, 'level of the data line'),
        KMIC: ro(1, 1, 'level of the clock line'),
        RXPARITY: ro(2, 2, 'parity bit of the last byte received, odd parity'),
        RXBUSY: ro(3, 3, 'a byte is being received: never seen, it takes no time'),
        RXFULL: ro(4, 4, 'a received byte can be read'),
        TXBUSY: ro(5, 5, 'a byte is being sent'),
        TXEMPTY: ro(6, 6, 'a byte can be written'),
        reserved: rsvd(7),
      },
    },
    KMIDATA: { offset: 0x08, width: 8, reset: 0, section: '3.3.3', fields: { DATA: rw(7, 0, 'reads the received byte, writes one to be sent') } },
    KMICLKDIV: {
      offset: 0x0c,
      width: 8,
      reset: 0,
      section: '3.3.4',
      fields: { DIV: rw(3, 0, 'divides the reference clock by 1 + DIV: stored only'), reserved: rsvd(7, 4) },
    },
    KMIIR: {
      offset: 0x10,
      width: 8,
      reset: 0x02,
      section: '3.3.5',
      computed: true,
      fields: { KMIRXINTR: ro(0, 0, 'a byte was received'), KMITXINTR: ro(1, 1, 'a byte can be written'), reserved: rsvd(7, 2) },
    },
    ...primeCellIds('KMIPeriphID', 'KMIPCellID', [0x50, 0x10, 0x04, 0x00], { periph: '3.3.6', cell: '3.3.7' }),
  },
);
