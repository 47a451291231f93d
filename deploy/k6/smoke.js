// A few customers for a few seconds: does everything work at all?
import { duration, objectives, options as of, visit } from "./lib.js";

export { setup } from "./lib.js";

export const options = of(objectives, {
  name: "smoke",
  options: { executor: "constant-arrival-rate", rate: 5, duration: duration("10s"), preAllocatedVUs: 10, maxVUs: 50 },
});

export default function () {
  visit();
}
