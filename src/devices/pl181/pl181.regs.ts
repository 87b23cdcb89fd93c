import { defineBank, ro, rsvd, rw, w1c } from '../../registers/bank.ts';
import { primeCellIds } from '../../registers/primecell.ts';

/** The words of the FIFO: any of these 16 addresses reaches it, so that a block transfer fits. */
export const FIFO_WINDOW = { from: 0x080, to: 0x0c0 } as const;

/** The flags of MCIStatus that stay until MCIClear takes them: bits 10 to 0. */
const staticFlags = {
  CmdCrcFail: [0, 'the response has another length than was asked for; CRCs are not modelled'],
  DataCrcFail: [1, 'never'],
  CmdTimeOut: [2, 'no response'],
  DataTimeOut: [3, 'the card let the data path wait for longer than MCIDataTimer says'],
  TxUnderrun: [4, 'never: the card waits'],
  RxOverrun: [5, 'never: the card waits'],
  CmdRespEnd: [6, 'a response was received'],
  CmdSent: [7, 'a command without response was sent'],
  DataEnd: [8, 'the data counter is zero'],
  StartBitErr: [9, 'never'],
  DataBlockEnd: [10, 'a block was sent or received'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;
const dynamicFlags = {
  CmdActive: [11, 'a command waits'],
  TxActive: [12, 'the data path sends'],
  RxActive: [13, 'the data path receives, or received words are in the FIFO'],
  TxFifoHalfEmpty: [14, 'room for 8 words'],
  RxFifoHalfFull: [15, '8 words'],
  TxFifoFull: [16, ''],
  RxFifoFull: [17, ''],
  TxFifoEmpty: [18, ''],
  RxFifoEmpty: [19, ''],
  TxDataAvlbl: [20, 'words to be sent'],
  RxDataAvlbl: [21, 'words to be read'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

type Access = typeof ro;
const each = <K extends string>(flags: Readonly<Record<K, readonly [number, string]>>, access: Access) =>
  Object.fromEntries(Object.entries<readonly [number, string]>(flags).map(([name, [bit, doc]]) => [name, access(bit, bit, doc)])) as Record<
    K,
    ReturnType<Access>
  >;

const mask = (offset: number) =>
  ({
    offset,
    width: 32,
    reset: 0,
    section: '3.3.13',
    fields: { ...each(staticFlags, rw), ...each(dynamicFlags, rw), reserved: rsvd(31, 22) },
  }) as const;

const word = (offset: number, section: string, doc: string) => ({ offset, width: 32, reset: 0, section, fields: { value: rw(31, 0, doc) } }) as const;
const response = (offset: number, doc: string) => ({ offset, width: 32, reset: 0, section: '3.3.6', fields: { Status: ro(31, 0, doc) } }) as const;

export const PL181 = defineBank(
  'PrimeCell multimedia card interface (PL181)',
  'ARM DDI 0205B, PrimeCell Multimedia Card Interface (PL181) Technical Reference Manual',
  {
    MCIPower: {
      offset: 0x000,
      width: 32,
      reset: 0,
      section: '3.3.1',
      fields: {
        Ctrl: rw(1, 0, '0 off, 2 up, 3 on: stored, the socket has power of its own'),
        Voltage: rw(5, 2, 'stored only'),
        OpenDrain: rw(6, 6, 'stored only'),
        Rod: rw(7, 7, 'stored only'),
        reserved: rsvd(31, 8),
      },
    },
    MCIClock: {
      offset: 0x004,
      width: 32,
      reset: 0,
      section: '3.3.2',
      fields: {
        ClkDiv: rw(7, 0, 'MCICLK is MCLK / (2 * (ClkDiv + 1))'),
        Enable: rw(8, 8, 'clocks the card: commands and data need none, the data timer does'),
        PwrSave: rw(9, 9, 'stored only'),
        Bypass: rw(10, 10, 'MCICLK is MCLK'),
        WideBus: rw(11, 11, 'four data lines: stored only'),
        reserved: rsvd(31, 12),
      },
    },
    MCIArgument: word(0x008, '3.3.3', 'of the next command'),
    MCICommand: {
      offset: 0x00c,
      width: 32,
      reset: 0,
      section: '3.3.4',
      fields: {
        CmdIndex: rw(5, 0),
        Response: rw(6, 6, 'waits for a response'),
        LongRsp: rw(7, 7, 'of 136 bits'),
        Interrupt: rw(8, 8, 'waits for the response without a timeout'),
        Pending: rw(9, 9, 'waits for the end of the data before it is sent'),
        Enable: rw(10, 10, 'sends the command'),
        reserved: rsvd(31, 11),
      },
    },
    MCIRespCommand: {
      offset: 0x010,
      width: 32,
      reset: 0,
      section: '3.3.5',
      fields: { RespCmd: ro(5, 0, 'command index of the last response; 0x3f where it has none'), reserved: rsvd(31, 6) },
    },
    MCIResponse0: response(0x014, 'short response, or bits 127 to 96'),
    MCIResponse1: response(0x018, 'bits 95 to 64'),
    MCIResponse2: response(0x01c, 'bits 63 to 32'),
    MCIResponse3: response(0x020, 'bits 31 to 1'),
    MCIDataTimer: word(0x024, '3.3.7', 'timeout of the data path in periods of MCICLK'),
    MCIDataLength: {
      offset: 0x028,
      width: 32,
      reset: 0,
      section: '3.3.8',
      fields: { DataLength: rw(15, 0, 'bytes of the next transfer'), reserved: rsvd(31, 16) },
    },
    MCIDataCtrl: {
      offset: 0x02c,
      width: 32,
      reset: 0,
      section: '3.3.9',
      fields: {
        Enable: rw(0, 0, 'begins a transfer; 0 ends it'),
        Direction: rw(1, 1, '1 from the card'),
        Mode: rw(2, 2, 'stream: there are no blocks'),
        DMAEnable: rw(3, 3, 'stored only: the board has no DMA controller'),
        BlockSize: rw(7, 4, 'a block has 2^BlockSize bytes'),
        reserved: rsvd(31, 8),
      },
    },
    MCIDataCnt: {
      offset: 0x030,
      width: 32,
      reset: 0,
      section: '3.3.10',
      fields: { DataCount: ro(15, 0, 'bytes that are still to cross the bus'), reserved: rsvd(31, 16) },
    },
    MCIStatus: {
      offset: 0x034,
      width: 32,
      reset: 0,
      section: '3.3.11',
      computed: true,
      fields: { ...each(staticFlags, ro), ...each(dynamicFlags, ro), reserved: rsvd(31, 22) },
    },
    MCIClear: {
      offset: 0x038,
      width: 32,
      reset: 0,
      section: '3.3.12',
      computed: true,
      fields: { ...each(staticFlags, w1c), reserved: rsvd(31, 11) },
    },
    MCIMask0: mask(0x03c),
    MCIMask1: mask(0x040),
    MCISelect: {
      offset: 0x044,
      width: 32,
      reset: 0,
      section: '3.3.14',
      fields: { SDCard: rw(3, 0, 'socket number: stored only, there is one'), reserved: rsvd(31, 4) },
    },
    MCIFifoCnt: {
      offset: 0x048,
      width: 32,
      reset: 0,
      section: '3.3.15',
      computed: true,
      fields: { DataCount: ro(14, 0, 'words that are still to pass between FIFO and data path'), reserved: rsvd(31, 15) },
    },
    MCIFIFO: { ...word(FIFO_WINDOW.from, '3.3.16', 'the oldest word received, or one to be sent'), computed: true },
    ...primeCellIds('MCIPeriphID', 'MCIPCellID', [0x81, 0x11, 0x04, 0x00], { periph: '3.3.17', cell: '3.3.18' }),
  },
);
