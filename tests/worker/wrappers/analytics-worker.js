// Binds a data set of Analytics Engine that logs each data point, or refuses those of the client REFUSED_CLIENT.
import * as built from '../../../dist/index.js';

const withDataset = (env) => ({
  ...env,
  ANALYTICS: {
    writeDataPoint(point) {
      if (point.indexes[0] === env.REFUSED_CLIENT) throw new TypeError('the data point is refused');
      console.log(JSON.stringify({ level: 'info', message: 'data point', point }));
    },
  },
});

export default built.default;
export const Dispatcher = built.Dispatcher;

export class VideoTask extends built.VideoTask {
  constructor(state, env) {
    super(state, withDataset(env));
  }
}
