/** `-object filter-dump`: the frames of a network in pcap files, while a machine runs or is replayed. */
import { RepriseError } from '../errors/errors.ts';
import type { AppendSink } from '../host/host.ts';
import { createOutput } from '../host/node/output-file.ts';
import { PcapWriter } from '../net/pcap.ts';
import type { DumpSpec, NicSpec } from '../options/network.ts';
import type { Nanoseconds } from '../time/units.ts';

/** The dumps of one network. */
export class Dumps {
  private readonly notice: (text: string) => void;
  private open: { readonly spec: DumpSpec; readonly sink: AppendSink; readonly pcap: PcapWriter }[] = [];

  /**
   * Creates the files; as in QEMU, earlier ones are replaced.
   * @param notice told when a file takes no more while the machine runs, which goes on without that dump
   * @throws RepriseError FILE_UNWRITABLE, DISK_FULL
   */
  constructor(nic: NicSpec | undefined, notice: (text: string) => void) {
    this.notice = notice;
    try {
      for (const spec of nic?.netdev?.dumps ?? []) {
        const sink = createOutput(spec.file, { force: true });
        try {
          this.open.push({ spec, sink, pcap: new PcapWriter(sink, spec.maxlen) });
        } catch (error) {
          sink.close();
          throw error;
        }
        sink.sync();
      }
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Appends a frame that the guest sent or got. Made for the `frame` of a live run and of a replay. */
  readonly frame = (bytes: Uint8Array, at: Nanoseconds): void => {
    for (const dump of this.open) {
      try {
        dump.pcap.write(at, bytes);
      } catch (error) {
        if (!(error instanceof RepriseError)) throw error;
        this.notice(`filter '${dump.spec.id}' ends here, the run goes on: ${error.message}`);
        dump.sink.close();
        this.open = this.open.filter((other) => other !== dump);
      }
    }
  };

  close(): void {
    for (const { sink } of this.open.splice(0)) sink.close();
  }
}
