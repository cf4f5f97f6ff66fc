// Runs Azurite from the folder in the first argument, and ends when its input does.
const folder = process.argv[2];
process.argv.splice(1, 2, folder + "/dist/src/blob/main.js");
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
require(process.argv[1]);
