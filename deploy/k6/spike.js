// A calm day, and a crowd from one second to the next, that passes.
import { options as of, overloaded, visit } from "./lib.js";

export { setup } from "./lib.js";

const calm = Number(__ENV.RATE || 20);

export const options = of(overloaded, {
  name: "spike",
  options: {
    executor: "ramping-arrival-rate",
    startRate: calm,
    timeUnit: "1s",
    preAllocatedVUs: 200,
    maxVUs: 2000,
    stages: [
      { target: calm, duration: "30s" },
      { target: 30 * calm, duration: "1s" },
      { target: 30 * calm, duration: "20s" },
      { target: calm, duration: "1s" },
      { target: calm, duration: "30s" },
    ],
  },
});

export default function () {
  visit(true);
}
