// The stand-in for Wiro in a process of its own, so that it takes no turn of the load generator's.
import { startSim } from '../sim/index.ts';

const sim = await startSim({ speed: Number(process.env.SIM_SPEED) });
const { url, apiUrl, socketUrl, cdnHost, apiKey, apiSecret } = sim;
process.send?.({ url, apiUrl, socketUrl, cdnHost, apiKey, apiSecret });
process.once('disconnect', () => void sim.close());
