import { absent, defineBank, ro, rw, wo } from '../../registers/bank.ts';

/** One half of the controller: IRQ at 0x00, FIQ at 0x20. */
export const PIC = defineBank('Integrator/CP interrupt controller', 'ARM DUI 0159B, Integrator/CP user guide, interrupt controllers', {
  IRQ_STATUS: {
    offset: 0x00,
    width: 32,
    reset: 0,
    section: 'Interrupt controllers',
    computed: true,
    fields: { STATUS: ro(31, 0, 'enabled interrupts that are asserted') },
  },
  IRQ_RAWSTAT: {
    offset: 0x04,
    width: 32,
    reset: 0,
    section: 'Interrupt controllers',
    computed: true,
    fields: { RAWSTAT: ro(31, 0, 'asserted interrupts, masked or not') },
  },
  IRQ_ENABLESET: {
    offset: 0x08,
    width: 32,
    reset: 0,
    section: 'Interrupt controllers',
    fields: { ENABLE: rw(31, 0, 'reads the mask; writing 1 enables') },
  },
  IRQ_ENABLECLR: {
    offset: 0x0c,
    width: 32,
    reset: 0,
    section: 'Interrupt controllers',
    computed: true,
    fields: { DISABLE: wo(31, 0, 'writing 1 disables') },
  },
  INT_SOFTSET: {
    offset: 0x10,
    width: 32,
    reset: 0,
    section: 'Interrupt controllers',
    computed: true,
    fields: { SOFT: rw(0, 0, 'software interrupt, input 0'), absent: absent(31, 1) },
  },
  INT_SOFTCLR: {
    offset: 0x14,
    width: 32,
    reset: 0,
    section: 'Interrupt controllers',
    computed: true,
    fields: { SOFT: wo(0), absent: absent(31, 1) },
  },
  FIQ_STATUS: { offset: 0x20, width: 32, reset: 0, section: 'Interrupt controllers', computed: true, fields: { STATUS: ro(31, 0) } },
  FIQ_RAWSTAT: { offset: 0x24, width: 32, reset: 0, section: 'Interrupt controllers', computed: true, fields: { RAWSTAT: ro(31, 0) } },
  FIQ_ENABLESET: { offset: 0x28, width: 32, reset: 0, section: 'Interrupt controllers', fields: { ENABLE: rw(31, 0) } },
  FIQ_ENABLECLR: { offset: 0x2c, width: 32, reset: 0, section: 'Interrupt controllers', computed: true, fields: { DISABLE: wo(31, 0) } },
});
