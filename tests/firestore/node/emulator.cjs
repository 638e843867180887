// Runs the npm emulator on the port given and says so on standard output; ends when standard input ends.
"use strict";

const { FirestoreServer } = require("@firestore-emulator/server");

for (const chatter of ["log", "info", "debug", "error"]) console[chatter] = () => {};
process.on("uncaughtException", () => {}); // a method it lacks throws out of the call and would end the process

const port = Number(process.argv[2]);
new FirestoreServer().start(port).then(
  () => process.stdout.write(`${port}\n`),
  () => process.exit(1),
);
process.stdin.on("end", () => process.exit(0)).resume();
