/** A variable of the environment that this process was started in. */
export function environmentVariable(name: string): string | undefined {
  return process.env[name];
}
