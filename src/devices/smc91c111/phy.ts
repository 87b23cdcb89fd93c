/**
 * The PHY inside the LAN91C111, and the switch port at the other end of its cable. The port offers all modes of 10 and
 * 100 Mbit/s; negotiation takes no time. The cable is never pulled: the link is down only while the PHY is without power,
 * not in use, or has no mode in common with the port.
 *
 * Source: LAN91C111 datasheet, chapter 9. How fast a link is shows in registers only.
 */
import { PHY } from './phy.regs.ts';
import { SMC91C111 } from './smc91c111.regs.ts';
import type { Smc91c111State } from './state.ts';

const { CR, RPCR, IST } = SMC91C111.mask;
const {
  PHY_Control: CONTROL,
  PHY_Status: STATUS,
  PHY_AN_Advertisement: MODE,
  PHY_Configuration_1: CONFIG,
  PHY_Status_Output: OUTPUT,
  PHY_Mask: MASK,
} = PHY.mask;

/** What the switch port says it can do. */
const PARTNER = MODE.ACK | MODE.TX_FDX | MODE.TX_HDX | MODE['10_FDX'] | MODE['10_HDX'] | MODE.CSMA;
/** Modes from best to worst, and how they show in register 18. */
const MODES = [
  [MODE.TX_FDX, OUTPUT.SPDDET | OUTPUT.DPLXDET],
  [MODE.TX_HDX, OUTPUT.SPDDET],
  [MODE['10_FDX'], OUTPUT.DPLXDET],
  [MODE['10_HDX'], 0],
] as const;
const MEDIA = OUTPUT.LNKFAIL | OUTPUT.SPDDET | OUTPUT.DPLXDET;
const REGISTERS = Object.keys(PHY.stored) as (keyof typeof PHY.stored)[];

const alive = (s: Smc91c111State): boolean => (s.CR & CR.EPH_Power_EN) !== 0 && !(s.CR & CR.EXT_PHY) && !(s.PHY_Control & CONTROL.PDN);
const negotiates = (s: Smc91c111State): boolean => (s.RPCR & RPCR.ANEG) !== 0 && (s.PHY_Control & CONTROL.ANEG_EN) !== 0;

/** Link, speed and duplex mode as they are now, in the bits of register 18. */
function media(s: Smc91c111State): number {
  if (!alive(s)) return OUTPUT.LNKFAIL;
  if (negotiates(s)) {
    const found = MODES.find(([mode]) => mode & PARTNER & s.PHY_AN_Advertisement);
    if (found) return found[1];
    return s.PHY_Configuration_1 & CONFIG.LNKDIS ? 0 : OUTPUT.LNKFAIL;
  }
  const [speed, duplex] =
    s.RPCR & RPCR.ANEG
      ? [s.PHY_Control & CONTROL.SPEED, s.PHY_Control & CONTROL.DPLX] //
      : [s.RPCR & RPCR.SPEED, s.RPCR & RPCR.DPLX];
  return (speed ? OUTPUT.SPDDET : 0) | (duplex ? OUTPUT.DPLXDET : 0);
}

export const linkIsUp = (s: Smc91c111State): boolean => !(media(s) & OUTPUT.LNKFAIL);
/** Frames sent come back and do not leave. */
export const phyLoops = (s: Smc91c111State): boolean => alive(s) && (s.PHY_Control & CONTROL.LPBK) !== 0;
/** Every frame sent collides. */
export const phyCollides = (s: Smc91c111State): boolean => alive(s) && (s.PHY_Control & CONTROL.COLST) !== 0;
/** Frames sent get lost. */
export const phyIsMute = (s: Smc91c111State): boolean => (s.PHY_Configuration_1 & (CONFIG.XMTDIS | CONFIG.XMTPDN)) !== 0;

/** To be called after any change of what `media` depends on: the PHY notices, and may interrupt the MAC (MDINT). */
export function observeMedia(s: Smc91c111State): void {
  const present = media(s);
  if (present & OUTPUT.LNKFAIL) s.phyLinkLost = true;
  const changed = (present ^ s.PHY_Status_Output) & MEDIA & ~s.phyLatched;
  s.PHY_Status_Output ^= changed;
  s.phyLatched |= changed;
  if (!(changed & ~s.PHY_Mask)) return;
  s.PHY_Status_Output |= OUTPUT.INT;
  if (!(s.PHY_Mask & MASK.MINT)) s.IST |= IST.MDINT;
}

/** Reads a register through the management interface; reserved ones are 0. */
export function readPhy(s: Smc91c111State, index: number): number {
  const register = PHY.at(index);
  switch (register) {
    case undefined:
      return 0;
    case 'PHY_Status':
      return readStatus(s);
    case 'PHY_Status_Output': {
      const value = s.PHY_Status_Output;
      s.PHY_Status_Output = media(s);
      s.phyLatched = 0;
      return value;
    }
    case 'PHY_AN_Remote_End_Capability':
      return alive(s) && negotiates(s) ? PARTNER : 0;
    case 'PHY_ID1':
    case 'PHY_ID2':
    case 'PHY_Reserved_20':
      return PHY.registers[register].reset;
    default:
      return s[register];
  }
}

function readStatus(s: Smc91c111State): number {
  const up = linkIsUp(s);
  let value: number = PHY.registers.PHY_Status.reset;
  if (up && !s.phyLinkLost) value |= STATUS.LINK;
  if (alive(s) && negotiates(s)) value |= STATUS.ANEG_ACK;
  s.phyLinkLost = !up;
  return value;
}

/** Writes a register; `observeMedia` is to follow. Returns what of it is not modelled. */
export function writePhy(s: Smc91c111State, index: number, value: number): string[] {
  const register = PHY.at(index);
  switch (register) {
    case 'PHY_Control':
      if (value & CONTROL.RST) resetPhy(s);
      else s.PHY_Control = PHY.merge(register, s.PHY_Control, value);
      return [];
    case 'PHY_Configuration_2': {
      const absent = PHY.absentIn(register, s.PHY_Configuration_2, value);
      s.PHY_Configuration_2 = PHY.merge(register, s.PHY_Configuration_2, value);
      return absent;
    }
    case 'PHY_AN_Advertisement':
    case 'PHY_Configuration_1':
    case 'PHY_Mask':
      s[register] = PHY.merge(register, s[register], value);
      return [];
    default:
      return [];
  }
}

function resetPhy(s: Smc91c111State): void {
  for (const register of REGISTERS) s[register] = PHY.registers[register].reset;
  s.PHY_Status_Output = media(s);
  s.phyLatched = 0;
  s.phyLinkLost = false;
}
