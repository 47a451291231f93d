// Runs the tour of a README: every line that starts with "$ " in its console blocks, against a fresh
// server, and compares what is printed with what the README says. Ids, times and versions may differ.
//
//   node .ci/tour.mjs            check
//   node .ci/tour.mjs --update   write what was printed into the README
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const readme = join(root, "README.md");
const text = readFileSync(readme, "utf8");

const freePort = () => new Promise((done) => {
  const s = createServer().listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => done(port)); });
});
const api = await freePort();
const ops = await freePort();
const data = mkdtempSync(join(tmpdir(), "tour-"));
symlinkSync(join(root, "clients"), join(data, "clients")); // commands name files as from the checkout, next to a data folder of the tour's own
const env = {
  ...process.env,
  PATH: `${join(root, "bin")}:${process.env.PATH}`,
  ORDERPROCESSING_URL: `http://127.0.0.1:${api}`,
  ORDERPROCESSING_SERVER_PORT: String(api),
  ORDERPROCESSING_OPS_PORT: String(ops),
  ORDERPROCESSING_DATA_DIR: join(data, "data"),
  ORDERPROCESSING_LOG_LEVEL: "warn",
  TOUR_STATE: join(data, "state"), // the variables that a reader's shell would keep from one command to the next
};

const server = spawn(join(root, "bin/orderprocessing"), ["serve"], { env, stdio: ["ignore", "ignore", "inherit"], cwd: data });
let failed = 0;
try {
  await ready();
  const updated = text.replace(/```console\n([\s\S]*?)```/g, (_, block) => "```console\n" + play(block) + "```");
  if (process.argv.includes("--update")) writeFileSync(readme, updated);
} finally {
  server.kill("SIGTERM");
  await new Promise((done) => server.once("exit", done));
  rmSync(data, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);

async function ready() {
  for (let tries = 0; tries < 100; tries++) {
    const ok = await fetch(`http://127.0.0.1:${ops}/readyz`).then((r) => r.ok, () => false);
    if (ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error("the server did not become ready");
}

// play runs the commands of a block, which may go on over lines that end in a backslash or stand in
// quotes, and gives the block with what they printed.
function play(block) {
  let out = "";
  for (const step of block.split(/^(?=\$ )/m).filter(Boolean)) {
    const lines = step.slice(2).split("\n");
    let command = lines.shift();
    while (lines.length && (command.endsWith("\\") || (command.split("'").length - 1) % 2 === 1)) command += "\n" + lines.shift();
    const said = lines.join("\n").trimEnd();
    const real = command.replaceAll("127.0.0.1:8080", `127.0.0.1:${api}`).replaceAll("127.0.0.1:9090", `127.0.0.1:${ops}`);
    const run = spawnSync("bash", ["-euo", "pipefail", "-c", `touch $TOUR_STATE; . $TOUR_STATE\n${real}\ndeclare -p TOKEN id parcel 2>/dev/null >$TOUR_STATE || true`], { cwd: data, env, encoding: "utf8" });
    const printed = (run.stdout + run.stderr).replaceAll(String(api), "8080").replaceAll(String(ops), "9090").replace(/[ \t]+$/gm, "").trimEnd();
    if (run.status !== 0 || (!process.argv.includes("--update") && plain(printed) !== plain(said))) {
      failed++;
      console.error(`$ ${command}\n--- the README says\n${said}\n--- printed (exit ${run.status})\n${printed}\n`);
    } else {
      console.log(`ok  ${command.split("\n")[0]}`);
    }
    out += `$ ${command}\n${printed ? printed + "\n" : ""}`;
  }
  return out;
}

// plain takes out what is new each time.
function plain(s) {
  return s
    .replace(/\b(ord|ret|shp|pay|pop)_[0-9a-z]{26}\b/g, "$1_…")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/GBP 510( +)[0-9a-f]{64}/g, "GBP 510$1…") // the digest of the order placed in the tour
    .replace(/^\{.*$/gm, (json) => json.replace(/([,:]) (?=["{[0-9])/g, "$1")) // protobuf's JSON varies its blanks from build to build
    .trim();
}
