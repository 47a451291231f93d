// A usual day's rate for hours: nothing may get slower. make soak watches memory, files and goroutines.
import { duration, objectives, options as of, visit } from "./lib.js";

export { setup } from "./lib.js";

export const options = of(objectives, {
  name: "soak",
  options: {
    executor: "constant-arrival-rate",
    rate: Number(__ENV.RATE || 20),
    duration: duration("2h"),
    preAllocatedVUs: 50,
    maxVUs: 500,
  },
});

export default function () {
  visit();
}
