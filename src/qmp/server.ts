/**
 * QMP, the QEMU Machine Protocol, on any number of backends with one client each. Commands are worked off in their order;
 * out-of-band execution is not offered.
 *
 * Source: QEMU's "QMP protocol specification" (docs/interop/qmp-spec).
 */
import { RepriseError } from '../errors/errors.ts';
import type { ControlConsole } from '../host/host.ts';
import type { SessionControl } from '../session/control.ts';
import { type Conversation, converse, type Peer } from '../session/conversation.ts';
import type { QmpContext, QmpHost, Result } from './command.ts';
import { versionObject } from './commands/query.ts';
import { NEGOTIATION, QMP_COMMANDS } from './commands.ts';
import { QmpError } from './errors.ts';
import { type QmpEvent, toQmpEvent } from './events.ts';
import { Jobs } from './jobs.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { JsonStream, type Message } from './json-stream.ts';
import { PointerButtons } from './pointer-buttons.ts';
import { array, oneOf, optional, readMembers } from './schema.ts';

/** Events for a client that does not read; further ones are lost to it. */
const MAX_UNREAD_EVENTS = 1024;

const NEGOTIATION_ARGUMENTS = { enable: optional(array(oneOf())) };

interface Request {
  readonly name: string;
  readonly given: JsonObject;
}

export class QmpServer {
  private readonly context: QmpContext;
  private readonly clients = new Set<Client>();

  constructor(session: SessionControl, host: QmpHost) {
    const jobs = new Jobs((id, status) => this.broadcast({ event: 'JOB_STATUS_CHANGE', data: { id, status } }));
    this.context = { session, host, jobs, buttons: new PointerButtons() };
    session.onEvent((event) => this.broadcast(toQmpEvent(event)));
  }

  /** Serves whoever comes to a console. */
  attach(console: ControlConsole): void {
    converse(console, (peer) => {
      const client = new Client(peer, this.context, () => this.clients.delete(client));
      this.clients.add(client);
      return client;
    });
  }

  private broadcast(event: QmpEvent): void {
    const now = this.context.host.timeOfDay();
    const timestamp = { seconds: Math.floor(now / 1e6), microseconds: Math.floor(now % 1e6) };
    for (const client of this.clients) client.tell({ timestamp, ...event });
  }
}

class Client implements Conversation {
  readonly left: () => void;
  private readonly peer: Peer;
  private readonly context: QmpContext;
  private readonly stream = new JsonStream();
  private negotiated = false;
  private unread = 0;

  constructor(peer: Peer, context: QmpContext, left: () => void) {
    this.peer = peer;
    this.context = context;
    this.left = left;
    this.send({ QMP: { version: versionObject(context.host.version), capabilities: [] } });
  }

  take(byte: number): Promise<void> | undefined {
    const messages = this.stream.take(byte);
    return messages.length === 0 ? undefined : this.answerAll(messages);
  }

  /** Events begin when capabilities have been negotiated. */
  tell(event: Result): void {
    if (!this.negotiated) return;
    this.unread = this.peer.congested ? this.unread + 1 : 0;
    if (this.unread < MAX_UNREAD_EVENTS) this.send(event);
  }

  private async answerAll(messages: readonly Message[]): Promise<void> {
    for (const message of messages) {
      if ('error' in message) this.send(failure(message.error));
      else await this.answer(message.value);
    }
  }

  private async answer(message: JsonValue): Promise<void> {
    const id = isObject(message) && Object.hasOwn(message, 'id') ? { id: message.id } : {};
    try {
      const request = readRequest(message);
      this.send({ return: await this.execute(request), ...id });
    } catch (error) {
      this.send({ ...id, ...failure(error) });
    }
    this.context.jobs.proceed();
  }

  private execute({ name, given }: Request): Promise<Result> | Result {
    if (name === NEGOTIATION && !this.negotiated) {
      readMembers(NEGOTIATION_ARGUMENTS, given, '');
      this.negotiated = true;
      return {};
    }
    if (!this.negotiated) throw new QmpError(`Expecting capabilities negotiation with '${NEGOTIATION}'`, 'CommandNotFound');
    if (name === NEGOTIATION) throw new QmpError('Capabilities negotiation is already complete, command ignored', 'CommandNotFound');
    const command = QMP_COMMANDS.find((candidate) => candidate.name === name);
    if (command === undefined) throw new QmpError(`The command ${name} has not been found`, 'CommandNotFound');
    return command.run(this.context, readMembers(command.members, given, ''));
  }

  private send(message: Result): void {
    this.peer.say(`${JSON.stringify(message)}\r\n`);
  }
}

/** @throws QmpError */
function readRequest(message: JsonValue): Request {
  if (!isObject(message)) throw new QmpError('QMP input must be a JSON object');
  const { execute, arguments: given } = message;
  for (const name of Object.keys(message)) {
    if (name === 'execute' && typeof execute !== 'string') throw new QmpError("QMP input member 'execute' must be a string");
    if (name === 'arguments' && !isObject(given)) throw new QmpError("QMP input member 'arguments' must be an object");
    if (!['execute', 'arguments', 'id'].includes(name)) throw new QmpError(`QMP input member '${name}' is unexpected`);
  }
  if (typeof execute !== 'string') throw new QmpError("QMP input lacks member 'execute'");
  return { name: execute, given: given !== undefined && isObject(given) ? given : {} };
}

function failure(error: unknown): { readonly error: Result } {
  if (error instanceof QmpError) return { error: { class: error.errorClass, desc: error.message } };
  if (error instanceof RepriseError) return { error: { class: 'GenericError', desc: error.message } };
  throw error;
}
