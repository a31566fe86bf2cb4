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

// Picture returns nil.
func (*Decoder) Picture() *video.Frame { return nil }

// Close does nothing.
func (*Decoder) Close() {}
