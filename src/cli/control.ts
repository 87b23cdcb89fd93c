/** Lets people and programs at the consoles control a session. */
import type { LogItem } from '../boards/guest-log.ts';
import { timeOfDay } from '../host/node/clock.ts';
import type { Consoles } from '../host/node/consoles.ts';
import { localDate } from '../host/node/dates.ts';
import { Monitor } from '../monitor/monitor.ts';
import { QmpServer } from '../qmp/server.ts';
import type { SessionControl } from '../session/control.ts';
import { saveFile } from './save-file.ts';
import { VERSION } from './version.ts';

/**
 * @param logged the messages about the guest that are told; monitors change it
 * @returns a monitor for whoever else passes commands on
 */
export function attachControls(session: SessionControl, consoles: Consoles, logged: Set<LogItem>): Monitor {
  const host = {
    version: VERSION,
    saveFile,
    localDate,
    logGuest: (items: readonly LogItem[]): void => {
      logged.clear();
      for (const item of items) logged.add(item);
    },
  };
  for (const console of consoles.monitors) new Monitor(session, host).attach(console);
  const monitor = new Monitor(session, host);
  const server = new QmpServer(session, { version: VERSION, saveFile, humanMonitor: (line) => monitor.execute(line), timeOfDay });
  for (const console of consoles.qmp) server.attach(console);
  return monitor;
}
