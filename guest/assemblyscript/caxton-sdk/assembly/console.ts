// The log under the names that a browser's console has.

import { LogLevel, consoleError, consoleLog, log as write } from "./log";

/** The agent's log. It takes the place of AssemblyScript's own `console` in a file that imports it. */
export namespace console {
  /** Writes a line at the level info. */
  export function log(line: string): void {
    consoleLog(line);
  }

  /** Writes a line at the level error. */
  export function error(line: string): void {
    consoleError(line);
  }

  /** Writes a line at the level warn. */
  export function warn(line: string): void {
    write(LogLevel.Warn, line);
  }

  /** Writes a line at the level info. */
  export function info(line: string): void {
    write(LogLevel.Info, line);
  }

  /** Writes a line at the level debug. */
  export function debug(line: string): void {
    write(LogLevel.Debug, line);
  }

  /** Writes a line at the level trace. */
  export function trace(line: string): void {
    write(LogLevel.Trace, line);
  }
}
