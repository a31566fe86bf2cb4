package ui

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"time"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/video"
	"viewflip.app/wire"
)

// ErrNoWindows means that this build has no graphical interface.
var ErrNoWindows = errors.New("ui: this build has no windows: it was made without cgo")

// ErrNoDrawing means that the display can show no window of this program.
var ErrNoDrawing = errors.New("ui: this display cannot show viewflip's windows, because OpenGL does not work on it: install Mesa's drivers (libgl1-mesa-dri), or start the X server with GLX; \"viewflip share\" needs neither")

// ErrNoScreen means that the display cannot be opened at all.
var ErrNoScreen = errors.New("ui: this display cannot be opened: start viewflip in a desktop session, or set DISPLAY")

// Options is what Run is built from. NewCall is required.
type Options struct {
	// Desktop lists the windows that can be shared; nil where that is
	// impossible: then there is only joining.
	Desktop *platform.Desktop
	// Thumbnail opens small pictures of a window; nil shows icons instead.
	Thumbnail func(ctx context.Context, id platform.WindowID) (Thumbnails, error)
	// NewCall makes a fresh call that runs by itself until Leave. link is the
	// link that will be joined in it, nil for a call of our own.
	NewCall func(ctx context.Context, link *wire.Link) (Call, error)
	// Name and SetName are the person's display name, kept by the caller.
	Name    func() string
	SetName func(name string)
	// People is this person's account and list; nil has no such screens.
	People People
	// Notice is one sentence that is shown quietly; "" for none.
	Notice string
	// Link is opened at once; "" begins with the home window.
	Link string
	// AskControl asks for control of every share that is opened.
	AskControl bool
	// ViewerOnly shows viewer windows and nothing else; Run returns when the
	// last is closed or the call ends. It needs Link.
	ViewerOnly bool
	// Display is the display server's name for native surfaces; "" is the
	// session's own.
	Display string
	// Log gets no titles, names, keys or links. Nil discards.
	Log *slog.Logger
}

// Thumbnails is a stream of small pictures of one window.
type Thumbnails interface {
	// Next blocks until the window looks different. The caller owns the
	// picture.
	Next(ctx context.Context) (*image.RGBA, error)
	Close()
}

// Call is what the screens need of a call. FromSession makes one.
type Call interface {
	State() session.State
	Changed(ctx context.Context) <-chan struct{}
	Events(ctx context.Context) <-chan session.Event
	Done() <-chan struct{}
	Join(ctx context.Context, l wire.Link) error
	// Compare agrees on words with a member; they appear in State.
	Compare(m session.MemberID) error
	Invite(ctx context.Context, o session.InviteOptions) (wire.Link, error)
	Share(ctx context.Context, w platform.Window, grant wire.Rights) (wire.ShareID, error)
	StopShare(id wire.ShareID)
	AllowFor(m session.MemberID, s wire.ShareID, r wire.Rights, t wire.Term) error
	Withdraw(m session.MemberID, s wire.ShareID, r wire.Rights)
	Refuse(m session.MemberID, s wire.ShareID)
	Reveal(s wire.ShareID, id wire.SurfaceID) error
	KeepMasked(s wire.ShareID, id wire.SurfaceID) error
	TakeBack(m session.MemberID, s wire.ShareID)
	TakeBackAll()
	Remove(m session.MemberID)
	View(m session.MemberID, s wire.ShareID) (View, error)
	Leave()
}

// View is what a viewer window needs of a view. *session.View is one.
type View interface {
	Info() session.RemoteShare
	Next(ctx context.Context) (session.Update, error)
	Picture(f func(*video.Frame))
	Shown(u session.Update)
	Send(in wire.Input) error
	Ask(r wire.Rights) error
	GiveBack(r wire.Rights)
	// Paste sends the clipboard for the paste gesture that is sent next.
	Paste(ctx context.Context) error
	// Point and Draw mark the picture for everybody; Marks is what is on it,
	// and Marked ticks when that changes.
	Point(p wire.Point) error
	Draw(s wire.Stroke) error
	Marks() session.Marks
	Marked(ctx context.Context) <-chan struct{}
	// Cursor is what a pointer looks like over the share; nil while that is not
	// known. Marked ticks for it too.
	Cursor() *video.Cursor
	// Latency is how long pictures take, whose sharer's part Measure asks for;
	// Measured ticks with every answer. Exact reports whether the picture is the
	// window's, pixel for pixel.
	Latency() session.Latency
	Measure()
	Measured(ctx context.Context) <-chan struct{}
	Exact() bool
	LastRefusal() (wire.Reason, time.Time)
	Close()
}

var _ View = (*session.View)(nil)

// FromSession lends a session's call to the screens.
func FromSession(c *session.Call) Call { return sessionCall{c} }

type sessionCall struct{ *session.Call }

func (c sessionCall) View(m session.MemberID, s wire.ShareID) (View, error) {
	v, err := c.Call.View(m, s)
	if err != nil {
		return nil, err
	}
	return v, nil
}
