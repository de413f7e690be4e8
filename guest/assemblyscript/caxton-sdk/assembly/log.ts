// Lines in the agent's log.

import * as raw from "./raw";
import { encode } from "./text";

/** How much a line matters, as in the guide. */
export enum LogLevel {
  Error = 1,
  Warn = 2,
  Info = 3,
  Debug = 4,
  Trace = 5,
}

/** Writes a line to the agent's log, at the level info. */
export function consoleLog(line: string): void {
  const bytes = encode(line);
  raw.console_log(changetype<usize>(bytes), bytes.byteLength);
}

/** Writes a line to the agent's log, at the level error. */
export function consoleError(line: string): void {
  const bytes = encode(line);
  raw.console_error(changetype<usize>(bytes), bytes.byteLength);
}

/** Writes a line to the agent's log. */
export function log(level: LogLevel, line: string): void {
  const bytes = encode(line);
  raw.log(level, changetype<usize>(bytes), bytes.byteLength);
}
