// A transform of the AssemblyScript compiler: `asc --transform caxton-sdk/transform`.
//
// AssemblyScript does not read `?.`, which the guide's agent has. This turns `content?.getString("action")`
// into `(content ? content.getString("action") : null)`, which means the same. What stands before `?.` has to
// be the name of a variable, and what the chain gives a reference, so that it can be null; for anything else
// the compiler says what it always says.

import { optionalChaining } from "./optional-chaining.js";

export default class CaxtonTransform {
  constructor() {
    // The compiler sets `program` before it makes a transform, and has parsed nothing then.
    const { parser } = this.program;
    const parseFile = parser.parseFile;
    parser.parseFile = function rewrite(text, path, isEntry) {
      const isOwn = text !== null && !path.startsWith("~lib/");
      return parseFile.call(this, isOwn ? optionalChaining(text) : text, path, isEntry);
    };
  }
}
