package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"viewflip.app/platform"
	"viewflip.app/video"
)

// ErrGone means that the window was closed. It is final.
var ErrGone = errors.New("capture: the window was closed")

// Stream is the picture of one window.
type Stream interface {
	// Next blocks until the picture changed since the frame before and returns
	// a frame that the caller owns and releases. The first holds everything.
	// Any error is final; ErrGone when the window closed.
	Next(ctx context.Context) (*video.Frame, error)
	// States tells of changes of state; the newest wins. Closed with the stream.
	States() <-chan State
	// State is the state now.
	State() State
	// Close ends capture and unblocks Next. Frames lent out stay valid until
	// released.
	Close() error
}

// State is how the window is.
type State struct {
	// Hidden means minimised or on another workspace: no new pictures.
	Hidden bool
	Closed bool
	// W and H are the picture's size in pixels.
	W, H int
	// Gen rises with every change of size or place of the content.
	Gen   uint32
	Title string
}

// Options of a stream.
type Options struct {
	// Log may be nil.
	Log *slog.Logger
	// MinInterval is the least time between two frames; 0 = as they come.
	MinInterval time.Duration
}

// Open begins to capture a window. ctx bounds the opening only.
func Open(ctx context.Context, d *platform.Desktop, id platform.WindowID, o Options) (Stream, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if d == nil {
		return nil, platform.ErrNoDisplay
	}
	s, err := open(ctx, d, id, o)
	if err != nil {
		return nil, fmt.Errorf("capture: open window: %w", err)
	}
	return s, nil
}
