import { defineBank, ro, rsvd, rw, wo } from '../../registers/bank.ts';

/** An identification register: a constant in the low byte. */
const id = <const O extends number, const V extends number>(offset: O, value: V, section: string) =>
  ({
    offset,
    width: 32,
    reset: value,
    section,
    computed: true,
    fields: { ID: ro(7, 0), reserved: rsvd(31, 8) },
  }) as const;

export const PL031 = defineBank('PrimeCell real time clock (PL031)', 'ARM DDI 0224C', {
  RTCDR: { offset: 0x000, width: 32, reset: 0, section: '3.3.1', computed: true, fields: { RTCDATA: ro(31, 0, 'the time in seconds') } },
  RTCMR: { offset: 0x004, width: 32, reset: 0, section: '3.3.2', fields: { RTCMATCH: rw(31, 0, 'time of the interrupt') } },
  RTCLR: { offset: 0x008, width: 32, reset: 0, section: '3.3.3', fields: { RTCLOAD: rw(31, 0, 'sets the time; reads what was last written') } },
  RTCCR: {
    offset: 0x00c,
    width: 32,
    reset: 1,
    section: '3.3.4',
    computed: true,
    fields: { START: ro(0, 0, 'started; once set it cannot be cleared, and this clock is running when power comes on'), reserved: rsvd(31, 1) },
  },
  RTCIMSC: { offset: 0x010, width: 32, reset: 0, section: '3.3.5', fields: { RTCIMSC: rw(0, 0, 'interrupt enable'), reserved: rsvd(31, 1) } },
  RTCRIS: {
    offset: 0x014,
    width: 32,
    reset: 0,
    section: '3.3.6',
    computed: true,
    fields: { RTCRIS: ro(0, 0, 'interrupt before the mask'), reserved: rsvd(31, 1) },
  },
  RTCMIS: {
    offset: 0x018,
    width: 32,
    reset: 0,
    section: '3.3.7',
    computed: true,
    fields: { RTCMIS: ro(0, 0, 'interrupt after the mask: the line'), reserved: rsvd(31, 1) },
  },
  RTCICR: {
    offset: 0x01c,
    width: 32,
    reset: 0,
    section: '3.3.8',
    computed: true,
    fields: { RTCICR: wo(31, 0, 'any write clears the interrupt (section 2.1)') },
  },
  RTCPeriphID0: id(0xfe0, 0x31, '3.3.9'),
  RTCPeriphID1: id(0xfe4, 0x10, '3.3.9'),
  RTCPeriphID2: id(0xfe8, 0x14, '3.3.9'),
  RTCPeriphID3: id(0xfec, 0x00, '3.3.9'),
  RTCPCellID0: id(0xff0, 0x0d, '3.3.10'),
  RTCPCellID1: id(0xff4, 0xf0, '3.3.10'),
  RTCPCellID2: id(0xff8, 0x05, '3.3.10'),
  RTCPCellID3: id(0xffc, 0xb1, '3.3.10'),
});
