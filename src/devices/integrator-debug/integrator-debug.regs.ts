import { defineBank, ro, rsvd, rw, wo } from '../../registers/bank.ts';

const SECTION = 'Debug LEDs and DIP switches';

export const DEBUG = defineBank('Integrator/CP debug LEDs and switches', 'ARM DUI 0159B, Integrator/CP user guide', {
  LED_ALPHA: {
    offset: 0x00,
    width: 32,
    reset: 0,
    section: SECTION,
    fields: {
      STATUS: ro(0, 0, '0: the alphanumeric display is ready for the next characters'),
      CHARACTERS: wo(31, 1, 'what the display is to show'),
    },
  },
  LED_LIGHTS: {
    offset: 0x04,
    width: 32,
    reset: 0,
    section: SECTION,
    fields: { LEDS: rw(3, 0, 'green 0, yellow, red, green 1; 1: on'), reserved: rsvd(31, 4) },
  },
  LED_SWITCHES: {
    offset: 0x08,
    width: 32,
    reset: 0,
    section: SECTION,
    computed: true,
    fields: { SWITCHES: ro(3, 0, 'the four DIP switches; 1: on'), reserved: rsvd(31, 4) },
  },
});
