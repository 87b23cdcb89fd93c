import { defineBank, ro, rsvd, rw, wo } from '../../registers/bank.ts';

/** Volume of an output: five bits, and a sixth that means the least volume. */
const outputVolume = (offset: number) =>
  ({
    offset,
    width: 16,
    reset: 0x8000,
    section: 'Master Volume Registers',
    fields: {
      right: rw(4, 0, 'attenuation in steps of 1.5 dB'),
      rightMax: wo(5, 5, '1 sets the other five bits'),
      reserved: rsvd(7, 6),
      left: rw(12, 8),
      leftMax: wo(13),
      reserved14: rsvd(14),
      Mute: rw(15),
    },
  }) as const;

/** Gain of a stereo input of the mixer. */
const stereoInput = (offset: number) =>
  ({
    offset,
    width: 16,
    reset: 0x8808,
    section: 'Mixer Input Volume Registers',
    fields: { GR: rw(4, 0), reserved: rsvd(7, 5), GL: rw(12, 8), reserved13: rsvd(14, 13), Mute: rw(15) },
  }) as const;

const sampleRate = (offset: number) =>
  ({
    offset,
    width: 16,
    reset: 48_000,
    section: 'Sample Rate Control Registers',
    fields: { SR: rw(15, 0, 'samples a second, 4000 to 48000') },
  }) as const;

/** Offsets are AC '97 register indices. */
export const LM4549 = defineBank("LM4549 AC '97 codec", "National Semiconductor LM4549 AC '97 Rev 2 codec, datasheet of November 1999", {
  Reset: {
    offset: 0x00,
    width: 16,
    reset: 0x0d50,
    section: 'Reset Register',
    computed: true,
    fields: { ID: ro(15, 0, 'features; writing any value resets all registers') },
  },
  Master_Volume: outputVolume(0x02),
  Line_Level_Volume: outputVolume(0x04),
  Mono_Volume: {
    offset: 0x06,
    width: 16,
    reset: 0x8000,
    section: 'Master Volume Registers',
    fields: { MM: rw(4, 0), MMmax: wo(5), reserved: rsvd(14, 6), Mute: rw(15) },
  },
  PC_Beep_Volume: {
    offset: 0x0a,
    width: 16,
    reset: 0,
    section: 'PC Beep Register',
    fields: { reserved: rsvd(0), PV: rw(4, 1), high: rsvd(14, 5), Mute: rw(15) },
  },
  Phone_Volume: {
    offset: 0x0c,
    width: 16,
    reset: 0x8008,
    section: 'Mixer Input Volume Registers',
    fields: { GN: rw(4, 0), reserved: rsvd(14, 5), Mute: rw(15) },
  },
  Mic_Volume: {
    offset: 0x0e,
    width: 16,
    reset: 0x8008,
    section: 'Mixer Input Volume Registers',
    fields: { GN: rw(4, 0), reserved: rsvd(5), boost: rw(6, 6, '20 dB'), high: rsvd(14, 7), Mute: rw(15) },
  },
  Line_In_Volume: stereoInput(0x10),
  CD_Volume: stereoInput(0x12),
  Video_Volume: stereoInput(0x14),
  Aux_Volume: stereoInput(0x16),
  PCM_Out_Volume: stereoInput(0x18),
  Record_Select: {
    offset: 0x1a,
    width: 16,
    reset: 0,
    section: 'Record Select Register',
    fields: { SR: rw(2, 0), reserved: rsvd(7, 3), SL: rw(10, 8), high: rsvd(15, 11) },
  },
  Record_Gain: {
    offset: 0x1c,
    width: 16,
    reset: 0x8000,
    section: 'Record Gain Register',
    fields: { GR: rw(3, 0), reserved: rsvd(7, 4), GL: rw(11, 8), high: rsvd(14, 12), Mute: rw(15) },
  },
  General_Purpose: {
    offset: 0x20,
    width: 16,
    reset: 0,
    section: 'General Purpose Register',
    fields: {
      reserved: rsvd(6, 0),
      LPBK: rw(7),
      MS: rw(8),
      MIX: rw(9),
      reserved10: rsvd(12, 10),
      '3D': rw(13),
      reserved14: rsvd(14),
      POP: rw(15),
    },
  },
  '3D_Control': {
    offset: 0x22,
    width: 16,
    reset: 0x0101,
    section: '3D Control Register',
    computed: true,
    fields: { depth: ro(15, 0) },
  },
  Powerdown: {
    offset: 0x26,
    width: 16,
    reset: 0,
    section: 'Powerdown Control / Status Register',
    fields: {
      ADC: ro(0, 0, 'ready'),
      DAC: ro(1),
      ANL: ro(2),
      REF: ro(3),
      reserved: rsvd(7, 4),
      PR0: rw(8, 8, 'powers the ADC down'),
      PR1: rw(9, 9, 'powers the DAC down'),
      PR2: rw(10, 10, 'powers the mixers down'),
      PR3: rw(11, 11, 'powers mixers and reference down'),
      PR4: rw(12, 12, 'AC link: stored only'),
      PR5: rw(13, 13, 'clocks: stored only'),
      reserved14: rsvd(14),
      EAPD: rw(15),
    },
  },
  Extended_Audio_ID: {
    offset: 0x28,
    width: 16,
    reset: 0x0001,
    section: 'Extended Audio ID Register',
    computed: true,
    fields: { VRA: ro(0, 0, 'has variable sample rates'), reserved: rsvd(13, 1), ID: ro(15, 14, 'primary codec') },
  },
  Extended_Audio_Control: {
    offset: 0x2a,
    width: 16,
    reset: 0,
    section: 'Extended Audio Status/Control Register',
    fields: { VRA: rw(0, 0, 'variable sample rates, else 48 kHz'), reserved: rsvd(15, 1) },
  },
  PCM_DAC_Rate: sampleRate(0x2c),
  PCM_ADC_Rate: sampleRate(0x32),
  Vendor_ID1: { offset: 0x7c, width: 16, reset: 0x4e53, section: 'Vendor ID Registers', computed: true, fields: { ID: ro(15, 0) } },
  Vendor_ID2: { offset: 0x7e, width: 16, reset: 0x4331, section: 'Vendor ID Registers', computed: true, fields: { ID: ro(15, 0) } },
});
