package capture

import (
	"context"
	"fmt"
	"image"
	"time"

	"viewflip.app/platform"
	"viewflip.app/video"
)

const (
	// cursorEvery is the least time between two looks at a pointer that moves.
	cursorEvery = time.Second / 60
	// cursorRest is for how long a pointer is looked at after it moved last.
	cursorRest = time.Second
)

// Cursor follows the pointer of a desktop.
type Cursor interface {
	// Next blocks until the pointer looks different or is elsewhere than at the
	// call before; the first call returns at once. Nothing is done between calls
	// and, on X11, while the pointer rests. Any error is final.
	Next(ctx context.Context) (Pointer, error)
	// Close ends it and unblocks Next.
	Close() error
}

// Pointer is what a pointer looks like and where it is.
type Pointer struct {
	// Shape is nil if it is larger than video.MaxCursor.
	Shape *video.Cursor
	// At is a pixel of the screen.
	At image.Point
	// top is the system's name of the window of the screen that it is over.
	top uint32
}

// Locator is a Stream that can tell what of its picture a pointer is over.
type Locator interface {
	// Locate returns the pixel of the picture and the picture's size; false if
	// the pointer is over something else.
	Locate(p Pointer) (at, size image.Point, ok bool)
}

// OpenCursor begins to follow the pointer of the person at a desktop.
// platform.ErrUnsupported where that cannot be done.
func OpenCursor(d *platform.Desktop) (Cursor, error) { return openPointer(d, 0) }

// OpenHand begins to follow what the pointer of remote people looks like, where
// they have one of their own: device is XInput's number of it. Where it is
// counts only when it looks different. Next fails when there is no such pointer
// any more.
func OpenHand(d *platform.Desktop, device uint16) (Cursor, error) { return openPointer(d, device) }

func openPointer(d *platform.Desktop, device uint16) (Cursor, error) {
	if d == nil {
		return nil, platform.ErrNoDisplay
	}
	c, err := openCursor(d, device)
	if err != nil {
		return nil, fmt.Errorf("capture: cursor: %w", err)
	}
	return c, nil
}
