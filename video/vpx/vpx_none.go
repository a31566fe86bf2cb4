//go:build !cgo || !linux

package vpx

import (
	"image"

	"viewflip.app/video"
)

// Encoder codes nothing in this build.
type Encoder struct{}

// NewEncoder returns ErrUnavailable.
func NewEncoder(o Options) (*Encoder, error) {
	if _, err := o.quantizer(); err != nil {
		return nil, err
	}
	return nil, ErrUnavailable
}

// Encode returns ErrUnavailable.
func (*Encoder) Encode(dst []byte, _ *video.Frame, _ []image.Rectangle, _ bool) ([]byte, bool, error) {
	return dst, false, ErrUnavailable
}

// Close does nothing.
func (*Encoder) Close() {}

// Decoder decodes nothing in this build.
type Decoder struct{}

// NewDecoder returns ErrUnavailable.
func NewDecoder() (*Decoder, error) { return nil, ErrUnavailable }

// Decode returns ErrUnavailable.
func (*Decoder) Decode([]byte) ([]image.Rectangle, error) { return nil, ErrUnavailable }

// Need is 0.
func (*Decoder) Need([]byte) int { return 0 }

// Picture returns nil.
func (*Decoder) Picture() *video.Frame { return nil }

// Close does nothing.
func (*Decoder) Close() {}

// RegionEncoder codes nothing in this build.
type RegionEncoder struct{}

// NewRegionEncoder returns ErrUnavailable.
func NewRegionEncoder(image.Rectangle, int) (*RegionEncoder, error) { return nil, ErrUnavailable }

// SetQuality returns ErrUnavailable.
func (*RegionEncoder) SetQuality(int) error { return ErrUnavailable }

// Encode returns ErrUnavailable.
func (*RegionEncoder) Encode(dst []byte, _ *video.Frame, _ []image.Rectangle, _ bool) ([]byte, error) {
	return dst, ErrUnavailable
}

// Close does nothing.
func (*RegionEncoder) Close() {}

// RegionDecoder decodes nothing in this build.
type RegionDecoder struct{}

// NewRegionDecoder returns ErrUnavailable.
func NewRegionDecoder() (*RegionDecoder, error) { return nil, ErrUnavailable }

// Decode returns ErrUnavailable.
func (*RegionDecoder) Decode([]byte, image.Point) error { return ErrUnavailable }

// Paint does nothing.
func (*RegionDecoder) Paint(*video.Frame, image.Point, image.Rectangle) {}

// Reset does nothing.
func (*RegionDecoder) Reset() {}

// Close does nothing.
func (*RegionDecoder) Close() {}
