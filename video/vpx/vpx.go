package vpx

import (
	"errors"
	"fmt"

	"viewflip.app/video"
)

// Errors that callers act on.
var (
	// ErrUnavailable means that this build has no libvpx in it.
	ErrUnavailable = errors.New("vpx: VP9 is not part of this build")
	// ErrCorrupt means that the bytes cannot be decoded. The decoder then
	// takes nothing but a key frame.
	ErrCorrupt = errors.New("vpx: corrupt frame")
	// ErrNeedRefresh means that the decoder waits for a key frame.
	ErrNeedRefresh = errors.New("vpx: a key frame is needed")
)

// Quantizers that Options.Quality stands for when it is 0.
const (
	textQuality  = 20
	videoQuality = 40
	maxQuality   = 63
)

// Options says how to encode. The zero value is for moving natural video.
type Options struct {
	// Quality is the quantizer: 1 is the finest, 63 the coarsest, and 0
	// chooses: 20 for text, 40 otherwise.
	Quality int
	// Profile444 keeps colour at full resolution (VP9 profile 1). Browsers
	// that decode in hardware, and some in software, know profile 0 only.
	Profile444 bool
	// Text tunes for screens: text and flat areas that scroll.
	Text bool
}

func (o Options) quantizer() (int, error) {
	switch {
	case o.Quality < 0 || o.Quality > maxQuality:
		return 0, fmt.Errorf("vpx: a quality of %d is not within 0 and %d", o.Quality, maxQuality)
	case o.Quality > 0:
		return o.Quality, nil
	case o.Text:
		return textQuality, nil
	default:
		return videoQuality, nil
	}
}

func sizeOK(w, h int) bool {
	return w > 0 && h > 0 && w <= video.MaxSide && h <= video.MaxSide && w*h <= video.MaxPixels
}
