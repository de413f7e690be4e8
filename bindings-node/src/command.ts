#!/usr/bin/env node
// The command `caxton`, which the package brings along.

import { native } from "./native.cjs";

process.exitCode = native.runCommand(["caxton", ...process.argv.slice(2)]);
