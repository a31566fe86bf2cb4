package capture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"time"

	"viewflip.app/platform"
	"viewflip.app/video"
)

// ErrGone means that the window was closed. It is final.
var ErrGone = errors.New("capture: the window was closed")

// Stream is the picture of one window with the menus, tooltips and dialogs that
// belong to it.
type Stream interface {
	// Next blocks until the picture changed since the frame before and returns
	// a frame that the caller owns and releases. The first holds everything.
	// Any error is final; ErrGone when the window closed.
	Next(ctx context.Context) (*video.Frame, error)
	// States tells of changes of state; the newest wins. Closed with the stream.
	States() <-chan State
	// State is the state now.
	State() State
	// Allow shows a masked surface until it closes. Unknown ones are ignored.
	Allow(id SurfaceID)
	// Close ends capture and unblocks Next. Frames lent out stay valid until
	// released.
	Close() error
}

// SurfaceID names a menu, tooltip or dialog within its stream; 0 is the window
// itself.
type SurfaceID uint16

// Surface is a window that belongs to the captured one and is drawn over it.
type Surface struct {
	ID SurfaceID
	// Window is the system's name for it.
	Window platform.WindowID
	Kind   platform.SurfaceKind
	// Bounds is what can be seen of it, in pixels of the picture; Whole is all
	// of its content, which may reach beyond the picture.
	Bounds, Whole image.Rectangle
	// Masked means that it is shown in one colour until Allow.
	Masked bool
}

// State is how the window is.
type State struct {
	// Hidden means minimised or on another workspace: no new pictures.
	Hidden bool
	// TooLarge means that the window is larger than a picture may be, by
	// video.MaxSide or video.MaxPixels: no new pictures until it is smaller.
	TooLarge bool
	Closed   bool
	// W and H are the picture's size in pixels.
	W, H int
	// Main is the window's own content in the picture. The picture is larger
	// while a menu or dialog sticks out.
	Main image.Rectangle
	// Surfaces are drawn over it, in this order. Not to be changed.
	Surfaces []Surface
	// Gen rises with every change of size or place of anything in the picture.
	Gen   uint32
	Title string
}

// equal reports whether two states are the same.
func (s State) equal(o State) bool {
	return s.Hidden == o.Hidden && s.TooLarge == o.TooLarge && s.Closed == o.Closed && s.W == o.W && s.H == o.H && s.Main == o.Main &&
		s.Gen == o.Gen && s.Title == o.Title && slices.Equal(s.Surfaces, o.Surfaces)
}

// Options of a stream.
type Options struct {
	// Log may be nil.
	Log *slog.Logger
	// MinInterval is the least time between two frames; 0 = as they come.
	MinInterval time.Duration
	// Alone leaves menus, tooltips and dialogs out.
	Alone bool
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
