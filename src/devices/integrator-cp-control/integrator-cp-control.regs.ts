import { defineBank, ro, rsvd, rw, w1c } from '../../registers/bank.ts';

const SECTION = 'Baseboard status and control registers';

export const CP_CONTROL = defineBank('Integrator/CP control registers', 'ARM DUI 0159B, Integrator/CP user guide', {
  CP_IDFIELD: {
    offset: 0x00,
    width: 32,
    reset: 0x41034003,
    section: SECTION,
    computed: true,
    fields: {
      MAN: ro(31, 24, 'manufacturer: ARM'),
      ARCH: ro(23, 16, 'bus architecture'),
      FPGA: ro(15, 12, 'type of the FPGA'),
      BUILD: ro(11, 4, 'build of the FPGA'),
      REV: ro(3, 0, 'revision'),
    },
  },
  CP_FLASHPROG: {
    offset: 0x04,
    width: 32,
    reset: 0,
    section: SECTION,
    fields: {
      FLVPPEN: rw(0, 0, 'programming voltage of the flash'),
      FLWREN: rw(1, 1, 'writes to the flash'),
      FLASHSIZE: ro(2, 2, 'size of the flash that is fitted'),
      EXTRABANK: ro(3, 3, 'a second bank of flash is fitted'),
      reserved: rsvd(31, 4),
    },
  },
  CP_INTREG: {
    offset: 0x08,
    width: 32,
    reset: 0,
    section: SECTION,
    fields: {
      WPROT: ro(0, 0, 'the memory card is write protected: the level of the switch'),
      RI0: w1c(1, 1, 'the ring indicator of UART 0 has become active'),
      RI1: w1c(2, 2, 'the ring indicator of UART 1 has become active'),
      CARDIN: w1c(3, 3, 'a memory card has been inserted'),
      reserved: rsvd(31, 4),
    },
  },
  CP_DECODE: {
    offset: 0x0c,
    width: 32,
    reset: 0x11,
    section: SECTION,
    computed: true,
    fields: { DECODE: ro(7, 0, 'which modules are fitted'), reserved: rsvd(31, 8) },
  },
});
