/**
 * Shapes that modules share, for the type checker and the reader. No code.
 *
 * @typedef {'zh' | 'en'} Language
 * @typedef {'auto' | 'light' | 'dark'} Theme
 * @typedef {'layers' | 'threshold' | 'charts' | 'units' | 'compare' | 'area' | 'share'} PanelName
 *
 * What the whole page shows; the address holds it, so that a view can be sent to somebody.
 * @typedef {object} State
 * @property {string} result Id of the run or zoning that is shown.
 * @property {number} year Year of the run's layers.
 * @property {string} layer Id of the raster layer; empty for none.
 * @property {string} style Style of the raster layer; empty for its first.
 * @property {number} opacity 0 to 1.
 * @property {string[]} overlays Ids of vector layers, and `graticule`, `base`.
 * @property {number} share Threshold: share that is hot.
 * @property {string} mode Threshold: share of what: area, count, mass.
 * @property {number} least Threshold: pollutants that have to be hot.
 * @property {number} size Threshold: cells of the smallest patch that counts.
 * @property {string} rank Species that orders the cells of the concentration chart.
 * @property {number} from Year that changes are counted from.
 * @property {PanelName | ''} panel Panel that is open.
 * @property {string} unit Code of the unit whose page is open; empty for none.
 * @property {Place | null} cell Place whose page is open.
 * @property {string} compare What the right side of a swipe shows: a year or a zoning's id; empty for none.
 * @property {number} swipe Where the swipe stands, 0 to 1.
 * @property {string} table What the table of units is filtered and sorted by, as a query; empty: all, by rank.
 * @property {import('./map/polygon.js').Area | null} area Polygon whose statistics are shown; null for none.
 * @property {View | null} view Centre and zoom; none: the whole result.
 *
 * @typedef {{lon: number, lat: number}} Place
 * @typedef {{lon: number, lat: number, zoom: number}} View
 *
 * @typedef {object} ResultHead One of `GET /api/results`.
 * @property {string} id
 * @property {'run' | 'zoning' | 'comparison'} kind
 * @property {string} name
 * @property {string} label
 * @property {string} created
 * @property {string[]} species
 * @property {number[]} years
 * @property {string | null} run
 * @property {string | null} a
 * @property {string | null} b
 * @property {Record<string, number> | null} units
 *
 * @typedef {object} Named
 * @property {string} code
 * @property {string} name
 * @property {string} name_zh
 *
 * @typedef {object} Result What is known of a result: its head, grid and manifest.
 * @property {string} id
 * @property {'run' | 'zoning' | 'comparison'} kind
 * @property {string} name
 * @property {string[]} species
 * @property {number[]} years
 * @property {string[]} sectors
 * @property {string | null} run
 * @property {string | null} a
 * @property {string | null} b
 * @property {Record<string, number> | null} units
 * @property {[number, number, number, number]} extent West, south, east, north.
 * @property {Record<string, any>} manifest
 *
 * @typedef {object} Parameter A parameter of a tile layer.
 * @property {string} name
 * @property {{type: string, default: number | string, enum?: (number | string)[], minimum?: number, maximum?: number}} schema
 *
 * @typedef {object} Layer One of `GET /tiles/{result}`.
 * @property {string} id
 * @property {string} kind
 * @property {string} title_zh
 * @property {string} title_en
 * @property {string} unit
 * @property {string | null} [species]
 * @property {string | null} [sector]
 * @property {string[]} [styles]
 * @property {Parameter[]} parameters
 * @property {'raster' | 'vector'} type
 * @property {boolean} guarded Shown with a key only.
 * @property {Record<string, string>} tiles
 * @property {Record<string, string>} tilejson
 * @property {string} [legend]
 *
 * @typedef {object} TileIndex
 * @property {string} id
 * @property {string} run
 * @property {[number, number, number, number]} bounds
 * @property {string} attribution
 * @property {Layer[]} layers
 *
 * @typedef {object} MapSettings `GET /api/map`.
 * @property {string} title
 * @property {string} version
 * @property {boolean} facilities Whether facilities are shown without a key.
 * @property {{title: string, url: string, attribution: string} | null} basemap
 * @property {ResultHead[]} results
 *
 * What every panel and page is given.
 * @typedef {object} App
 * @property {import('./state.js').Store} store
 * @property {import('./service.js').Service} service
 * @property {import('./catalogue.js').Catalogue} catalogue
 * @property {import('./map/canvas.js').Canvas} canvas
 * @property {import('./frame.js').Frame} frame
 * @property {MapSettings} settings
 *
 * A panel or page fills `root` and gives back what ends it.
 * @typedef {(root: HTMLElement, app: App) => (() => void)} Mount
 */
export {};
