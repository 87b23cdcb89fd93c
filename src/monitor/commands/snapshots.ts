/** Commands that keep and restore the state of the whole machine. */
import type { Command, CompletionContext } from '../command.ts';

const complete = ({ snapshots }: CompletionContext): readonly string[] => snapshots;

export const SNAPSHOT_COMMANDS: readonly Command[] = [
  {
    names: ['savevm'],
    parameters: '[tag]',
    help: 'save a VM snapshot; one of the same tag is replaced, and without a tag one is made up',
    complete,
    run: async ({ session }, args) => {
      const tag = args.optionalWord();
      args.end();
      await session.snapshots.save(tag);
      return '';
    },
  },
  {
    names: ['loadvm'],
    parameters: 'tag',
    help: 'restore a VM snapshot',
    complete,
    run: async ({ session }, args) => {
      const tag = args.word();
      args.end();
      await session.snapshots.load(tag);
      return '';
    },
  },
  {
    names: ['delvm'],
    parameters: 'tag',
    help: 'delete a VM snapshot',
    complete,
    run: async ({ session }, args) => {
      const tag = args.word();
      args.end();
      await session.snapshots.delete(tag);
      return '';
    },
  },
];
