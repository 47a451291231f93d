// A hundred customers at once for five minutes, each with a second's thought between visits.
import { sleep } from "k6";
import { duration, objectives, options as of, visit } from "./lib.js";

export { setup } from "./lib.js";

export const options = of(objectives, {
  name: "orders",
  options: { executor: "constant-vus", vus: Number(__ENV.USERS || 100), duration: duration("5m") },
});

export default function () {
  visit();
  sleep(0.5 + Math.random());
}
