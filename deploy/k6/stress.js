// More and more visits, until well beyond what one small machine can do: what is taken is answered in
// time, the rest is turned away, and nothing breaks.
import { options as of, overloaded, visit } from "./lib.js";

export { setup } from "./lib.js";

const step = __ENV.STEP || "30s";
const rate = Number(__ENV.RATE || 100);

export const options = of(overloaded, {
  name: "stress",
  options: {
    executor: "ramping-arrival-rate",
    startRate: rate,
    timeUnit: "1s",
    preAllocatedVUs: 200,
    maxVUs: 2000,
    stages: [1, 2, 4, 8, 16, 0].map((times) => ({ target: times * rate, duration: step })),
  },
});

export default function () {
  visit(true);
}
