/** The panels, by name. */

import { words } from '../language.js';
import { mountArea } from './area.js';
import { mountCharts } from './charts.js';
import { mountCompare } from './compare.js';
import { mountLayers } from './layers.js';
import { mountShare } from './share.js';
import { mountThreshold } from './threshold.js';
import { mountUnits } from './units.js';

/** @typedef {import('../types.js').Mount} Mount */
/** @typedef {import('../types.js').PanelName} PanelName */

const W = words({
  layers: ['图层', 'Layers'],
  threshold: ['阈值', 'Threshold'],
  charts: ['图表', 'Charts'],
  units: ['单元', 'Units'],
  compare: ['对比', 'Compare'],
  area: ['范围', 'Area'],
  share: ['分享', 'Share'],
});

/** @type {Record<PanelName, {title: () => string, mount: Mount}>} */
export const PANELS = {
  layers: { title: () => W('layers'), mount: mountLayers },
  threshold: { title: () => W('threshold'), mount: mountThreshold },
  charts: { title: () => W('charts'), mount: mountCharts },
  units: { title: () => W('units'), mount: mountUnits },
  compare: { title: () => W('compare'), mount: mountCompare },
  area: { title: () => W('area'), mount: mountArea },
  share: { title: () => W('share'), mount: mountShare },
};
