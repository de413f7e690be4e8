// Rewrites `?.` as what AssemblyScript reads.

const CLOSERS = { "(": ")", "[": "]" };

/** The same source without `?.` behind a variable. What is in strings, templates and comments stays. */
export function optionalChaining(source) {
  if (!source.includes("?.")) return source;
  let written = "";
  for (let at = 0; at < source.length; ) {
    const next = skip(source, at);
    const variable =
      source.startsWith("?.", at) && !isDigit(source[at + 2]) && variableBefore(written);
    if (!variable) {
      written += source.slice(at, next);
      at = next;
      continue;
    }
    const end = endOfChain(source, at + 2);
    const chain = optionalChaining(source.slice(at + 2, end));
    const access = /^[([]/.test(chain) ? chain : `.${chain}`;
    written = `${written.slice(0, -variable.length)}(${variable} ? ${variable}${access} : null)`;
    at = end;
  }
  return written;
}

// The variable that a text ends with; null if it ends with anything else, such as a member of an object.
function variableBefore(text) {
  const name = /[A-Za-z_$][\w$]*$/.exec(text)?.[0];
  if (!name) return null;
  const before = text.slice(0, -name.length).trimEnd();
  return before.endsWith(".") || /[\w$]$/.test(text.slice(0, -name.length)) ? null : name;
}

// Where a chain ends that begins behind `?.`: members, calls, elements, and `!` between them.
function endOfChain(source, start) {
  let at = start + (/^[A-Za-z_$][\w$]*/.exec(source.slice(start))?.[0].length ?? 0);
  for (;;) {
    const link = /^(?:!?\.[A-Za-z_$][\w$]*|!?(?=[([]))/.exec(source.slice(at));
    if (!link) return at;
    at += link[0].length;
    if (source[at] in CLOSERS) at = endOfBrackets(source, at);
  }
}

function endOfBrackets(source, start) {
  const closers = [];
  for (let at = start; at < source.length; at = skip(source, at)) {
    if (source[at] in CLOSERS) closers.push(CLOSERS[source[at]]);
    else if (source[at] === closers.at(-1)) closers.pop();
    if (closers.length === 0) return at + 1;
  }
  return source.length;
}

// Where what stands at a place ends: a string, a template, a comment, or one character.
function skip(source, at) {
  const rest = source.slice(at, at + 2);
  if (rest === "//") return endAfter(source, "\n", at + 2);
  if (rest === "/*") return endAfter(source, "*/", at + 2);
  const quote = source[at];
  if (quote !== '"' && quote !== "'" && quote !== "`") return at + 1;
  for (let i = at + 1; i < source.length; i++) {
    if (source[i] === "\\") i++;
    else if (source[i] === quote) return i + 1;
  }
  return source.length;
}

function endAfter(source, end, at) {
  const found = source.indexOf(end, at);
  return found < 0 ? source.length : found + end.length;
}

function isDigit(character) {
  return character >= "0" && character <= "9";
}
