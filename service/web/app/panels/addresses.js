/** Addresses of what is shown, for other programs: what each is, and how QGIS and ArcGIS take it. */

import { layerTitle } from '../catalogue.js';
import { words } from '../language.js';
import { legendQuery, tilesOf } from '../map/address.js';

/** @typedef {import('../types.js').App} App */
/** @typedef {'WebMercatorQuad' | 'CGCS2000Quad'} MatrixSet */
/** @typedef {{name: string, title: string, address: string, how: string[], save?: string}} Offer `save`: the address is a file, saved under this name. */

const W = words({
  wmts: ['WMTS（此成果的全部图层）', 'WMTS (all layers of this result)'],
  wmtsQgis: ['QGIS：图层 › 添加图层 › 添加 WMS/WMTS 图层 › 新建，粘贴此地址，连接后选择图层；矩阵集 CGCS2000Quad 为经纬度。', 'QGIS: Layer › Add Layer › Add WMS/WMTS Layer › New, paste the address, connect, choose a layer; the matrix set CGCS2000Quad is in longitude and latitude.'],
  wmtsArcgis: ['ArcGIS Pro：插入 › 连接 › 服务器 › 新建 WMTS 服务器，粘贴此地址。', 'ArcGIS Pro: Insert › Connections › Server › New WMTS Server, paste the address.'],
  xyz: ['XYZ 瓦片：{layer}', 'XYZ tiles: {layer}'],
  xyzQgis: ['QGIS：浏览器面板中右键“XYZ Tiles”› 新建连接，粘贴此模板；含本视图的年份、阈值与配色。', 'QGIS: right-click “XYZ Tiles” in the Browser › New Connection, paste the template; it has the year, threshold and colours of this view.'],
  xyzPlate: ['QGIS 的 XYZ 只支持 Web 墨卡托：经纬度请用 WMTS；OpenLayers、Cesium 等可用此模板（第 1 级为 2 × 1 张瓦片）。', 'XYZ in QGIS is Web Mercator alone: use WMTS for longitude and latitude; OpenLayers or Cesium take this template (level 1 has 2 × 1 tiles).'],
  xyzArcgis: ['ArcGIS：地图查看器 › 添加 › 从 URL 添加图层 › 切片图层，把 {z}、{x}、{y} 改为 {level}、{col}、{row}；ArcGIS Pro 请用 WMTS。', 'ArcGIS: Map Viewer › Add › Add layer from URL › Tile layer, with {level}, {col}, {row} in place of {z}, {x}, {y}; in ArcGIS Pro use WMTS.'],
  tilejson: ['TileJSON：{layer}', 'TileJSON: {layer}'],
  tilejsonWeb: ['网页地图（MapLibre 等）：作为 raster 数据源的 url；含范围、级别与图例地址。', 'Web maps (MapLibre and others): the url of a raster source; it has bounds, zooms and the legend’s address.'],
  tilejsonQgis: ['QGIS 与 ArcGIS 不读取栅格 TileJSON：请用 XYZ 或 WMTS。', 'QGIS and ArcGIS read no TileJSON of pictures: use XYZ or WMTS.'],
  ogc: ['OGC API – Features（单元、热点、网格）', 'OGC API – Features (units, hotspots, cells)'],
  ogcQgis: ['QGIS：图层 › 添加图层 › 添加 WFS / OGC API - Features 图层 › 新建，粘贴此地址，版本选“OGC API - Features”，连接后选 {id}.… 的集合。', 'QGIS: Layer › Add Layer › Add WFS / OGC API – Features Layer › New, paste the address, version “OGC API - Features”, connect, choose a collection {id}.…'],
  ogcArcgis: ['ArcGIS Pro：插入 › 连接 › 服务器 › 新建 OGC API 服务器，粘贴此地址。', 'ArcGIS Pro: Insert › Connections › Server › New OGC API Server, paste the address.'],
  units: ['GeoParquet：管控单元', 'GeoParquet: control units'],
  cells: ['GeoParquet：网格', 'GeoParquet: cells'],
  parquetQgis: ['QGIS：下载后把文件拖入地图（需带 Parquet 的 GDAL，官方安装包已含）；GeoPandas：read_parquet。', 'QGIS: download it and drag the file onto the map (with a GDAL that has Parquet, as the official installers do); GeoPandas: read_parquet.'],
  parquetArcgis: ['ArcGIS Pro：请用上面的 OGC API。', 'ArcGIS Pro: use the OGC API above.'],
});

/** Whether an offer is there in both matrix sets. @param {Offer} offer */
export function isTiled({ name }) {
  return name === 'xyz' || name === 'tilejson';
}

/** What is offered of the state's result and layer. @param {App} app @param {MatrixSet} set @returns {Promise<Offer[]>} */
export async function offersOf(app, set) {
  const { service, store, catalogue } = app;
  const { state } = store;
  const index = await catalogue.tiles(state.result);
  const layer = index.layers.find((l) => l.type === 'raster' && l.id === state.layer);
  const zoning = catalogue.head(state.result)?.kind === 'zoning';
  const of = zoning ? state.result : catalogue.runOf(state.result);
  const parquet = (/** @type {string} */ name, /** @type {string} */ collection, /** @type {string} */ title) => ({
    name, title, address: service.address(`ogc/collections/${collection}/download`, { f: 'parquet' }), how: [W('parquetQgis'), W('parquetArcgis')], save: `${collection}.parquet`,
  });
  return [
    { name: 'wmts', title: W('wmts'), address: service.address(`wmts/${index.id}/1.0.0/WMTSCapabilities.xml`), how: [W('wmtsQgis'), W('wmtsArcgis')] },
    ...(layer ? tiles(app, index.id, layer, set) : []),
    { name: 'ogc', title: W('ogc'), address: service.address('ogc'), how: [W('ogcQgis', { id: state.result }), W('ogcArcgis')] },
    ...(zoning ? [parquet('units', `${of}.units`, W('units'))] : []),
    parquet('cells', `${of}.cells`, W('cells')),
  ];
}

/** @param {App} app @param {string} result @param {import('../types.js').Layer} layer @param {MatrixSet} set @returns {Offer[]} */
function tiles({ service, store: { state } }, result, layer, set) {
  const title = layerTitle(layer);
  const plate = set === 'CGCS2000Quad';
  return [
    {
      name: 'xyz', title: W('xyz', { layer: title }), address: tilesOf(service, result, layer, state).replace('/WebMercatorQuad/', `/${set}/`),
      how: plate ? [W('xyzPlate')] : [W('xyzQgis'), W('xyzArcgis')],
    },
    { name: 'tilejson', title: W('tilejson', { layer: title }), address: service.address(`tiles/${result}/${layer.id}/${set}/tilejson.json`, legendQuery(layer, state)), how: [W('tilejsonWeb'), W('tilejsonQgis')] },
  ];
}
