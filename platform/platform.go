package platform

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// Errors that callers act on.
var (
	// ErrUnsupported means that this operating system cannot do it (yet).
	ErrUnsupported = errors.New("platform: not supported on this operating system yet")
	// ErrNoDisplay means that there is no desktop session that can be used. The
	// text of an error that is this one says why, and what to do.
	ErrNoDisplay = errors.New("platform: there is no display: start viewflip in a desktop session, or set DISPLAY")
	// ErrGone means that the window does not exist any more.
	ErrGone = errors.New("platform: the window is gone")
)

// WindowID names one top-level window of this desktop session. It means
// nothing on another machine and is never sent over the network.
type WindowID struct{ id uint32 }

// NewWindowID wraps the operating system's number of a window.
func NewWindowID(id uint32) WindowID { return WindowID{id} }

// Native is the operating system's number.
func (w WindowID) Native() uint32 { return w.id }

// String is the number in hexadecimal, as other X tools print it.
func (w WindowID) String() string { return fmt.Sprintf("0x%x", w.id) }

// ParseWindowID reads a decimal or 0x hexadecimal number.
func ParseWindowID(s string) (WindowID, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil || n == 0 {
		return WindowID{}, errors.New("platform: a window id is a number such as 0x1400003")
	}
	return WindowID{uint32(n)}, nil
}

// Window is a top-level window as the desktop lists it.
type Window struct {
	ID         WindowID
	Title, App string
	// PID is what the application says; 0 when it does not.
	PID int
	// Bounds is the client area in physical pixels of the whole desktop.
	Bounds image.Rectangle
	// Hidden means minimised or on another workspace.
	Hidden bool
	// Icon may be nil.
	Icon image.Image
}

// Desktop is a connection to the display server.
type Desktop struct {
	impl    desktop
	display string
	groups  groups
}

// desktop is what each operating system implements.
type desktop interface {
	windows(ctx context.Context) ([]Window, error)
	watch(ctx context.Context) <-chan struct{}
	session() Session
	capabilities() []Capability
	hotkey(ctx context.Context, c Combo) (<-chan struct{}, error)
	heldDown(ctx context.Context, c Combo) (<-chan struct{}, error)
	openClipboard() (clipboard, error)
	close() error
}

// Open connects to a display; "" means the session's own. ErrNoDisplay when
// there is none, ErrUnsupported where this system is not supported.
func Open(display string, log *slog.Logger) (*Desktop, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	d, err := open(display, log)
	if err != nil {
		return nil, err
	}
	return &Desktop{impl: d, display: display}, nil
}

// Display is the name that Open was given.
func (d *Desktop) Display() string { return d.display }

// Windows lists the windows that can be shared, top first. This program's own,
// desktops and panels are left out.
func (d *Desktop) Windows(ctx context.Context) ([]Window, error) { return d.impl.windows(ctx) }

// Watch ticks when the list, a title or the stacking changed, coalesced; it is
// closed when ctx ends.
func (d *Desktop) Watch(ctx context.Context) <-chan struct{} { return d.impl.watch(ctx) }

// Session tells what the display belongs to: under SessionWayland it shows some
// of a Wayland desktop's windows, and input cannot be confined to one of them,
// nor is the clipboard the desktop's. The X server is asked first, and then, of
// the display that the environment names, the environment.
func (d *Desktop) Session() Session { return d.impl.session() }

// Capabilities says what works on this display, and what to do otherwise.
func (d *Desktop) Capabilities() []Capability { return d.impl.capabilities() }

// Close ends the connection.
func (d *Desktop) Close() error { return d.impl.close() }

// Capability is one line of "viewflip doctor".
type Capability struct {
	Name   string
	OK     bool
	Detail string
	// Remedy says what to do; "" when OK or nothing can be done.
	Remedy string
}

// SessionType is the kind of desktop session.
type SessionType string

// The session types.
const (
	SessionX11     SessionType = "x11"
	SessionWayland SessionType = "wayland"
	SessionWindows SessionType = "windows"
	SessionMac     SessionType = "macos"
	SessionNone    SessionType = "none"
)

// Session tells in which session this process runs.
type Session struct{ Type SessionType }

// CurrentSession reads the session from the environment.
func CurrentSession(getenv func(string) string) Session {
	switch runtime.GOOS {
	case "windows":
		return Session{SessionWindows}
	case "darwin":
		return Session{SessionMac}
	}
	switch {
	case getenv("WAYLAND_DISPLAY") != "" || getenv("XDG_SESSION_TYPE") == "wayland" && getenv("DISPLAY") != "":
		return Session{SessionWayland}
	case getenv("DISPLAY") != "":
		return Session{SessionX11}
	}
	return Session{SessionNone}
}

// Dirs are this user's directories for viewflip. They may not exist yet.
type Dirs struct{ Config, Data string }

// UserDirs finds them: XDG base directories on Linux, the systems' own else.
func UserDirs(getenv func(string) string) (Dirs, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return Dirs{}, fmt.Errorf("platform: no home directory: set HOME: %w", err)
	}
	data := config
	if runtime.GOOS == "linux" {
		if data = getenv("XDG_DATA_HOME"); data == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return Dirs{}, fmt.Errorf("platform: no home directory: set HOME: %w", err)
			}
			data = filepath.Join(home, ".local", "share")
		}
	}
	return Dirs{Config: filepath.Join(config, "viewflip"), Data: filepath.Join(data, "viewflip")}, nil
}
