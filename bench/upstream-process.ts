// The stand-in for Wiro in its own process, so that it does not share the thread of the load generator.
import { startSim } from '../sim/index.ts';

const sim = await startSim({ speed: Number(process.env.SIM_SPEED) });
const { url, apiUrl, socketUrl, cdnHost, apiKey, apiSecret } = sim;
process.send?.({ url, apiUrl, socketUrl, cdnHost, apiKey, apiSecret });
process.once('disconnect', () => void sim.close());
