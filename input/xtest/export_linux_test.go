package xtest

import (
	"image"

	"viewflip.app/input"
)

// WithoutGrab makes a Desk check and inject in two steps, to show what the
// server grab is good for.
func WithoutGrab(d input.Desk) { d.(*Desk).nograb = true }

// Crop is crop.
func Crop(value []byte, w, h int) image.Rectangle { return crop(value, w, h) }
