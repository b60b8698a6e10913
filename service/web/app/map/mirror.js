/** Marks that others draw on the first map (the cell that is open, an area), drawn on its twin as well: a swipe hides nothing. */

/** @typedef {import('../../vendor/maplibre-gl/maplibre-gl.mjs').Map} MapLibre */

/** Drawn by the twin itself. */
const OWN = ['graticule'];

export class Mirror {
  /** @param {MapLibre} map @param {MapLibre} twin Both have their style. */
  constructor(map, twin) {
    this._map = map;
    this._twin = twin;
    this._shown = '';
    this._copy = () => this._draw();
    map.on('idle', this._copy);
    this._draw();
  }

  end() {
    this._map.off('idle', this._copy);
  }

  _draw() {
    const style = this._map.getStyle();
    const sources = Object.entries(style.sources).filter(([id, source]) => source.type === 'geojson' && !OWN.includes(id));
    const layers = style.layers.filter((l) => 'source' in l && sources.some(([id]) => id === l.source));
    const text = JSON.stringify([sources, layers]);
    if (text === this._shown) return;
    this._shown = text;
    this._clear();
    for (const [id, source] of sources) this._twin.addSource(`m-${id}`, source);
    for (const layer of layers) this._twin.addLayer(/** @type {any} */ ({ ...layer, id: `m-${layer.id}`, source: `m-${/** @type {any} */ (layer).source}` }));
  }

  _clear() {
    const style = this._twin.getStyle();
    for (const { id } of style.layers) if (id.startsWith('m-')) this._twin.removeLayer(id);
    for (const id of Object.keys(style.sources)) if (id.startsWith('m-')) this._twin.removeSource(id);
  }
}
