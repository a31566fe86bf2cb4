package platform

import (
	"fmt"
	"image"

	"github.com/kbinani/screenshot"
)

// Display is one monitor.
type Display struct {
	Index int
	// Bounds is in physical pixels of the whole desktop.
	Bounds image.Rectangle
}

// Displays lists the monitors of this session; none without a display.
func Displays() []Display {
	var out []Display
	for i := range screenshot.NumActiveDisplays() {
		out = append(out, Display{Index: i, Bounds: screenshot.GetDisplayBounds(i)})
	}
	return out
}

// DisplayThumbnail is a picture of a whole monitor, for choosing between
// monitors. It shows every window and therefore never feeds a share.
func DisplayThumbnail(d Display) (*image.RGBA, error) {
	img, err := screenshot.CaptureDisplay(d.Index)
	if err != nil {
		return nil, fmt.Errorf("platform: display %d: %w", d.Index, err)
	}
	return img, nil
}
