package tile

import (
	"encoding/binary"
	"image"
	"time"

	"viewflip.app/video"
)

// MimeTypeVideo names, in SDP, the codec with video regions in it.
const MimeTypeVideo = "video/x-viewflip-tile-vp9"

// MaxRegion bounds the pixels of a video region (3840x2160 fits), and so the
// memory that a decoder of video takes for it.
const MaxRegion = 3840 * 2160

// RegionEncoder codes the video of one rectangle of a surface with loss.
// vpx.RegionEncoder is one.
type RegionEncoder interface {
	// Encode appends to dst one frame after which the decoder's region is like
	// that of f within changed, which lies in the region. key makes a frame
	// that is decodable alone. Elsewhere it is undefined. f is only read, and
	// not kept.
	Encode(dst []byte, f *video.Frame, changed []image.Rectangle, key bool) ([]byte, error)
	// SetQuality changes the quantizer, from 1, fine, to 63, from the next
	// frame on.
	SetQuality(quality int) error
	Close()
}

// RegionDecoder is the other end of a RegionEncoder. vpx.RegionDecoder is one.
// Its bytes come from peers.
type RegionDecoder interface {
	// Decode takes one frame of a region of this size. After a Reset, an error,
	// or with another size it needs a frame that is decodable alone.
	Decode(b []byte, size image.Point) error
	// Paint brings rectangle r of f, which lies in the region with its corner
	// at at, from the frame decoded last into f.
	Paint(f *video.Frame, at image.Point, r image.Rectangle)
	Reset()
	Close()
}

// Options of an encoder. The zero value is lossless always.
type Options struct {
	// Region makes the encoder of a video region; nil codes without any. An
	// error is the end of regions, not of the encoder.
	Region func(at image.Rectangle, quality int) (RegionEncoder, error)
	// Room is what several encoders may hold in slots together; nil sets no bound
	// but that of each.
	Room *Room
	// Now replaces time.Now in tests.
	Now func() time.Time
}

const (
	// quality is the quantizer of a region, worstQuality the coarsest that a
	// slow link brings it to, qualityStep the way there.
	quality      = 32
	worstQuality = 56
	qualityStep  = 8
	// tooMuch and little of what the link carries, as shares of 1, make a
	// region coarser at once and finer after calm.
	tooMuch, little = 0.6, 0.3
	calm            = 2 * time.Second
	// fewTiles that change in a region are sent without loss.
	fewTiles = 8
	// passTime is what pictures without loss may take on a slow link; beyond
	// it, they come with loss first.
	passTime = 60 * time.Millisecond
	// manyColours of its 256 pixels has a tile of a natural picture; one of
	// antialiased text has up to 75.
	manyColours = 96
	// slowTime is what a frame takes on its way on a link that is too slow for
	// video without loss.
	slowTime = 100 * time.Millisecond
	// restartPause is between two regions, as a new one costs a key frame.
	restartPause = time.Second
	// regionIdle is how long a region is kept in which nothing changes.
	regionIdle = time.Second
)

// region is the video in the picture, one rectangle at most.
type region struct {
	enc     RegionEncoder // nil without a region
	at      image.Rectangle
	key     bool          // the next frame must be decodable alone
	changed video.TileMap // the tiles that go into the next frame
	since   time.Time     // when it began
	last    time.Time     // when something changed in it
	quality int
	steady  time.Time // when the quality changed last, or the rate was not low
	rate    meter
	colours [colourSlots]uint32
}

func (r *region) close() {
	if r.enc != nil {
		r.enc.Close()
	}
	r.enc, r.at = nil, image.Rectangle{}
}

// take moves the marks in the region from tiles to changed.
func (r *region) take(tiles *video.TileMap) {
	if r.enc == nil {
		return
	}
	tx0, tx1 := r.at.Min.X/video.TileSize, (r.at.Max.X+video.TileSize-1)/video.TileSize
	for ty := r.at.Min.Y / video.TileSize; ty*video.TileSize < r.at.Max.Y; ty++ {
		for i := ty*tiles.Cols + tx0; i < ty*tiles.Cols+tx1; i++ {
			r.changed.Marks[i] |= tiles.Marks[i]
			tiles.Marks[i] = 0
		}
	}
}

// give moves them back.
func (r *region) give(tiles *video.TileMap) {
	for i, m := range r.changed.Marks {
		tiles.Marks[i] |= m
	}
	clear(r.changed.Marks)
}

// colourSlots is the size of a table of colours, a power of two.
const colourSlots = 1024

// pickNatural returns how many marked tiles of f look like natural pictures,
// and unmarks the others.
func (r *region) pickNatural(f *video.Frame, tiles *video.TileMap) (n int) {
	const t = video.TileSize
	for i, mark := range tiles.Marks {
		if mark == 0 {
			continue
		}
		x, y := i%tiles.Cols*t, i/tiles.Cols*t
		if r.countColours(f, image.Rect(x, y, x+t, y+t).Intersect(f.Bounds())) < manyColours {
			tiles.Marks[i] = 0
			continue
		}
		n++
	}
	return n
}

// countColours counts the colours in c; a few may be missed.
func (r *region) countColours(f *video.Frame, c image.Rectangle) (n int) {
	clear(r.colours[:])
	for y := c.Min.Y; y < c.Max.Y; y++ {
		row := f.Pix[(y*f.W+c.Min.X)*video.BytesPerPixel : (y*f.W+c.Max.X)*video.BytesPerPixel]
		for ; len(row) > 0; row = row[video.BytesPerPixel:] {
			p := binary.LittleEndian.Uint32(row) | 0xff000000
			if slot := &r.colours[p*0x9e3779b1>>22]; *slot != p {
				*slot = p
				n++
			}
		}
	}
	return n
}

// adapt chooses the quality by what the link carries, in bytes a second, 0 if
// that is not known.
func (r *region) adapt(link float64, now time.Time) error {
	q, used := r.quality, r.rate.perSecond(now)
	switch {
	case link > 0 && used > tooMuch*link:
		if now.Sub(r.steady) < restartPause {
			return nil
		}
		q = min(q+qualityStep, worstQuality)
	case link > 0 && used > little*link:
		r.steady = now
	case now.Sub(r.steady) > calm:
		q = max(q-qualityStep, quality)
	}
	if q == r.quality {
		return nil
	}
	r.quality, r.steady = q, now
	return r.enc.SetQuality(q)
}

// meter measures bytes a second, over about a second.
type meter struct {
	at    time.Time
	bytes float64
}

func (m *meter) decay(now time.Time) {
	if d := now.Sub(m.at).Seconds(); d > 0 {
		m.bytes /= 1 + d
		m.at = now
	}
}

func (m *meter) add(n int, now time.Time) {
	m.decay(now)
	m.bytes += float64(n)
}

func (m *meter) perSecond(now time.Time) float64 {
	m.decay(now)
	return m.bytes
}
