package tile

import (
	"image"
	"math/bits"
	"time"

	"viewflip.app/video"
)

const (
	// slotTime is the resolution of a tile's history: 15 a second.
	slotTime = time.Second / 15
	// hotSlots of the 16 of a history make a tile one that moves: about 8
	// changes a second; and so do the newest four in a row, because a video
	// without loss is dear.
	hotSlots = 8
	newest   = 0xf
	// minRegionW and minRegionH, in pixels, are what a video is at least.
	minRegionW, minRegionH = 160, 120
	// natural is the ratio of zstd below which pictures are natural, as
	// pictures of text are at 20 and more.
	natural = 8
	// manyTiles in a frame tell something about their ratio.
	manyTiles = 64
	// reach is how far apart, in tiles, those of one region may be.
	reach = 2
)

// motion finds where the picture moves like video. What scrolling explains is
// not shown to it.
type motion struct {
	cols, rows int
	slot       time.Time // when the newest one began
	history    []uint16  // per tile, the newest slot in bit 0
	seen       []bool
	stack      []int
	// raw bytes and what zstd made of them, fading.
	raw, coded float64
}

func (m *motion) reset(cols, rows int) {
	*m = motion{cols: cols, rows: rows, history: make([]uint16, cols*rows), seen: make([]bool, cols*rows)}
}

// advance moves on to the slot of now; it tells whether that is a new one. At
// most limit slots pass.
func (m *motion) advance(now time.Time, limit int) bool {
	n := int(now.Sub(m.slot) / slotTime)
	if m.slot.IsZero() || n > limit {
		n, m.slot = limit, now
	} else {
		m.slot = m.slot.Add(time.Duration(n) * slotTime)
	}
	if n <= 0 {
		return false
	}
	for i := range m.history {
		m.history[i] <<= n
	}
	m.raw, m.coded = m.raw*0.9, m.coded*0.9
	return true
}

// note takes the tiles that changed in the present slot.
func (m *motion) note(tiles *video.TileMap) {
	for i, mark := range tiles.Marks {
		m.history[i] |= uint16(mark)
	}
}

// cost takes what zstd made of the tiles of a frame.
func (m *motion) cost(raw, coded int) {
	if raw >= manyTiles*video.TileSize*video.TileSize*video.BytesPerPixel {
		m.raw, m.coded = m.raw+float64(raw), m.coded+float64(coded)
	}
}

// isNatural tells whether the tiles of late were natural pictures.
func (m *motion) isNatural() bool { return m.raw < natural*m.coded }

func (m *motion) hot(i int) bool {
	h := m.history[i]
	return h&newest == newest || bits.OnesCount16(h) >= hotSlots
}

// count returns how many tiles move within r.
func (m *motion) count(r image.Rectangle) (n int) {
	for ty := r.Min.Y / video.TileSize; ty*video.TileSize < r.Max.Y; ty++ {
		for tx := r.Min.X / video.TileSize; tx*video.TileSize < r.Max.X; tx++ {
			if m.hot(ty*m.cols + tx) {
				n++
			}
		}
	}
	return n
}

// find returns the rectangle, in pixels and of whole tiles, around the most
// tiles that move together, or an empty one if that is not like a video.
func (m *motion) find() image.Rectangle {
	clear(m.seen)
	var best image.Rectangle
	most := 0
	for i := range m.seen {
		if m.seen[i] || !m.hot(i) {
			continue
		}
		if n, r := m.fill(i); n > most {
			most, best = n, r
		}
	}
	if 2*most < best.Dx()*best.Dy() {
		return image.Rectangle{}
	}
	const t = video.TileSize
	best = image.Rect(best.Min.X*t, best.Min.Y*t, best.Max.X*t, best.Max.Y*t)
	if best.Dx() < minRegionW || best.Dy() < minRegionH || best.Dx()*best.Dy() > MaxRegion {
		return image.Rectangle{}
	}
	return best
}

// fill counts the tiles that move together with the one at i, and returns the
// rectangle, in tiles, around them.
func (m *motion) fill(i int) (n int, r image.Rectangle) {
	m.seen[i] = true
	m.stack = append(m.stack[:0], i)
	for len(m.stack) > 0 {
		i = m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		x, y := i%m.cols, i/m.cols
		n++
		r = r.Union(image.Rect(x, y, x+1, y+1))
		for ny := max(0, y-reach); ny <= min(m.rows-1, y+reach); ny++ {
			for nx := max(0, x-reach); nx <= min(m.cols-1, x+reach); nx++ {
				if j := ny*m.cols + nx; !m.seen[j] && m.hot(j) {
					m.seen[j] = true
					m.stack = append(m.stack, j)
				}
			}
		}
	}
	return n, r
}
