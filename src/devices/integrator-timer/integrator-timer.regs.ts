import { defineBank, ro, rsvd, rw, wo } from '../../registers/bank.ts';

/** One of the three timers; they lie 0x100 apart. Their state is in vectors of three, so nothing here is `stored`. */
export const TIMER = defineBank('Integrator/CP counter/timer', 'ARM DUI 0159B, Integrator/CP user guide, section 4.9', {
  TimerLoad: {
    offset: 0x00,
    width: 32,
    reset: 0,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: { LOAD: rw(31, 0, 'value to count down from, now and after each period') },
  },
  TimerValue: {
    offset: 0x04,
    width: 32,
    reset: 0xffffffff,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: { VALUE: ro(31, 0, 'the count') },
  },
  TimerControl: {
    offset: 0x08,
    width: 8,
    reset: 0x20,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: {
      ONESHOT: rw(0, 0, 'halts at zero'),
      SIZE: rw(1, 1, '0: 16 bits, 1: 32 bits'),
      PRE: rw(3, 2, 'clock divided by 1, 16 or 256; 3 is not defined and divides by 256 here'),
      reserved: rsvd(4),
      IE: rw(5, 5, 'interrupt enable'),
      MODE: rw(6, 6, '0: free running, 1: periodic'),
      ENABLE: rw(7, 7, 'counts'),
    },
  },
  TimerIntClr: {
    offset: 0x0c,
    width: 32,
    reset: 0,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: { CLR: wo(31, 0, 'any write clears the interrupt') },
  },
  TimerRIS: {
    offset: 0x10,
    width: 32,
    reset: 0,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: { RIS: ro(0, 0, 'interrupt before the mask'), reserved: rsvd(31, 1) },
  },
  TimerMIS: {
    offset: 0x14,
    width: 32,
    reset: 0,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: { MIS: ro(0, 0, 'interrupt after the mask: the line'), reserved: rsvd(31, 1) },
  },
  TimerBGLoad: {
    offset: 0x18,
    width: 32,
    reset: 0,
    section: '4.9.2, table 4.18',
    computed: true,
    fields: { BGLOAD: rw(31, 0, 'TimerLoad without a restart of the count') },
  },
});
