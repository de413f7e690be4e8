// JSON with the types that the agent of Caxton's guide has: a stand-in for the package of this name, whose
// `JSON.parse` gives a value that is no object yet, and whose `getString` gives no string.

import { Json, JsonObject, consoleError, parseError } from "caxton-sdk/assembly";

export namespace JSON {
  // What `getString` gives where there is no text. It equals "", and is known by where it lies.
  const ABSENT: string = changetype<string>(__new(0, idof<string>()));

  /** Reads an object. What is none has no members, and the agent's log tells why. */
  export function parse(text: string): Obj {
    const json = Json.parse(text);
    if (json && json.isObject) return new Obj(json);
    consoleError(`This is no JSON object: ${json ? json.toString() : parseError()}`);
    return new Obj();
  }

  /** An object. */
  export class Obj {
    private readonly members: JsonObject = new JsonObject();

    constructor(source: Json = Json.NULL) {
      const members = source.members();
      for (let i = 0; i < members.length; i++) this.members.set(members[i].name, members[i].value);
    }

    /** The text that a member is; an empty one if there is no such member, or it is no text. */
    getString(name: string): string {
      const member = this.members.get(name);
      const text = member ? member.asString() : null;
      return text !== null ? text : ABSENT;
    }

    /** The object that a member is; null if there is no such member, or it is no object. */
    getObj(name: string): Obj | null {
      const member = this.members.get(name);
      return member && member.isObject ? new Obj(member) : null;
    }

    /**
     * Sets a member to an object, or to what `JsonObject.set` takes. A text that `getString` did not find
     * is left out, so that an answer has no field that what it answers did not have.
     */
    set<T>(name: string, value: T): void {
      if (isString<T>()) {
        if (changetype<usize>(value) != changetype<usize>(ABSENT)) this.members.set<T>(name, value);
      } else if (idof<T>() == idof<Obj>()) {
        this.members.set(name, changetype<Obj>(value).members);
      } else {
        this.members.set<T>(name, value);
      }
    }

    /** The object as JSON. */
    toString(): string {
      return this.members.toString();
    }
  }
}
