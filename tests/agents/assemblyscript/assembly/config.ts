// What the deployer wants of the agent: JSON under the key `config`, all of it optional.

import * as host from "./host";
import { Json } from "./json";
import { Price, isTrue, wholeOf } from "./values";

export class Config {
  static current: Config = new Config(null);

  /** What this agent asks for its work. */
  readonly price: Price;
  /** The most that it pays, and the least that it works for when it is bargained with. */
  readonly limit: Price;
  readonly refuses: bool;
  readonly silent: bool;
  readonly fails: bool;
  readonly twice: bool;
  /** None, unless it is above 0. */
  readonly delay: i64;

  /** What is of the wrong type counts as missing. */
  constructor(stored: Json | null) {
    const price = stored ? Price.read(stored.get("price")) : null;
    const limit = stored ? Price.read(stored.get("limit")) : null;
    const asked = price ? price : new Price("10", 10);
    this.price = asked;
    this.limit = limit ? limit : asked;
    this.refuses = stored ? isTrue(stored.get("refuses")) : false;
    this.silent = stored ? isTrue(stored.get("silent")) : false;
    this.fails = stored ? isTrue(stored.get("fails")) : false;
    this.twice = stored ? isTrue(stored.get("twice")) : false;
    this.delay = stored ? wholeOf(stored.get("delay_micros")) : 0;
  }

  static load(): void {
    Config.current = new Config(Json.parse(host.load("config")));
  }
}
