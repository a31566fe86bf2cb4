// Package system is what a call needs of the operating system of this machine:
// windows' pixels, the sharer's pointer, a seat for guests and its guardian, keys
// that are heard everywhere, the clipboard, marks over a window.
//
// Each of these parts is one small type, and each operating system has one
// constructor for it; they stand together in the table makers, which a file for
// each system fills. Of a part that a system lacks the table has nil: everything
// else goes on without it, and [System.Lines] says in one sentence what people do
// without. Two parts are not in the table, because there is an answer on every
// system: the list of windows ([platform.Open]), and [platform.Away].
package system

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"viewflip.app/capture"
	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/session"
)

// The guardian process is this program with the hidden command GuardianCommand and
// the number of a slot. It prints GuardianReady once it watches.
const (
	GuardianCommand = "guardian"
	GuardianReady   = "ready"
)

// Seat is the pointer and the keyboard by which all guests of this process act. It
// takes nothing of the machine before the first window is opened.
type Seat interface {
	// Open opens one window for control. The caller closes the Desk.
	Open(ctx context.Context, id platform.WindowID) (input.Desk, error)
	// Cursor follows what the guests' pointer looks like. platform.ErrUnsupported
	// while they have none of their own. The caller closes it.
	Cursor() (capture.Cursor, error)
}

// Guardian is a process beside this one that lets go of what the guests held when
// this one ends, however that happens. Slot is the number of a seat.
type Guardian interface {
	// Start starts the process and waits until it watches over a slot. stop, called
	// after the slot was given up, waits for its end.
	Start(ctx context.Context, slot int) (stop func(), err error)
	// Watch is what that process does: it calls ready when it watches, and returns
	// when nothing is held any more.
	Watch(ctx context.Context, slot int, ready func()) error
}

// HotKeys hears key combinations whichever window has the keyboard; see the
// methods of [platform.Desktop].
type HotKeys interface {
	Hotkey(ctx context.Context, c platform.Combo) (<-chan struct{}, error)
	Held(ctx context.Context, c platform.Combo) (<-chan struct{}, error)
}

// Clipboard is the clipboard of this desktop.
type Clipboard interface {
	session.Clipboard
	Close()
}

// Overlay shows over one window what others point at and draw.
type Overlay interface {
	// Show replaces the marks.
	Show(m session.Marks) error
	// Close takes them away.
	Close() error
}

// makers are the constructors of one operating system. Nil is a part that the
// system lacks.
type makers struct {
	capture   func(ctx context.Context, d *platform.Desktop, id platform.WindowID, o capture.Options) (capture.Stream, error)
	cursor    func(d *platform.Desktop) (capture.Cursor, error)
	seat      func(d *platform.Desktop, o seatOptions) (Seat, error)
	guardian  func(display string) Guardian
	hotKeys   func(d *platform.Desktop) HotKeys
	clipboard func(d *platform.Desktop) (Clipboard, error)
	overlay   func(d *platform.Desktop, id platform.WindowID) (Overlay, error)
}

// seatOptions say how a seat is made up.
type seatOptions struct {
	// shared lets guests use the sharer's own pointer and keyboard.
	shared bool
	// robotgo makes the events by robotgo.
	robotgo bool
	// guardian is nil on a system that lacks one.
	guardian Guardian
	log      *slog.Logger
}

// System is the desktop of this process with the parts of its operating system.
type System struct {
	getenv func(string) string
	log    *slog.Logger
	desk   *platform.Desktop
	make   makers
	seat   func() (Seat, error)

	mu   sync.Mutex
	clip Clipboard
}

// New gives a desktop, which stays the caller's, the parts of its operating system.
// d is nil where there is no desktop, or none whose windows can be shared: then
// there is no part at all. getenv reads the settings VIEWFLIP_CURSOR,
// VIEWFLIP_INJECTOR and VIEWFLIP_PANIC when they are needed.
func New(d *platform.Desktop, getenv func(string) string, log *slog.Logger) *System {
	s := &System{getenv: getenv, log: log, desk: d}
	if d != nil {
		s.make = makersFor(d)
	}
	s.seat = sync.OnceValues(s.newSeat)
	return s
}

// Desktop is the one that New was given; nil if there is none.
func (s *System) Desktop() *platform.Desktop { return s.desk }

// Capture begins to capture a window. platform.ErrNoDisplay without a desktop,
// platform.ErrUnsupported on a system that lacks it. The caller closes the stream.
func (s *System) Capture(ctx context.Context, id platform.WindowID, o capture.Options) (capture.Stream, error) {
	if s.desk == nil {
		return nil, platform.ErrNoDisplay
	}
	if s.make.capture == nil {
		return nil, platform.ErrUnsupported
	}
	o.Log = s.log
	return s.make.capture(ctx, s.desk, id, o)
}

// Cursors returns what follows the sharer's own pointer; nil where it cannot be
// followed.
func (s *System) Cursors() func() (capture.Cursor, error) {
	if s.make.cursor == nil {
		return nil
	}
	return func() (capture.Cursor, error) { return s.make.cursor(s.desk) }
}

// Desks returns what opens a window for control, at the one seat of this process;
// nil where nobody can be given control. The caller closes each Desk.
func (s *System) Desks() func(context.Context, platform.WindowID) (input.Desk, error) {
	if s.make.seat == nil {
		return nil
	}
	return func(ctx context.Context, id platform.WindowID) (input.Desk, error) {
		seat, err := s.seat()
		if err != nil {
			return nil, err
		}
		return seat.Open(ctx, id)
	}
}

// Hands returns what follows the pointer of the guests; nil where nobody can be
// given control.
func (s *System) Hands() func() (capture.Cursor, error) {
	if s.make.seat == nil {
		return nil
	}
	return func() (capture.Cursor, error) {
		seat, err := s.seat()
		if err != nil {
			return nil, err
		}
		return seat.Cursor()
	}
}

// newSeat reads by which pointer and keyboard, and by which injector, guests act.
func (s *System) newSeat() (Seat, error) {
	o := seatOptions{log: s.log}
	switch s.getenv("VIEWFLIP_CURSOR") {
	case "", "second":
	case "shared":
		o.shared = true
	default:
		return nil, errors.New("VIEWFLIP_CURSOR is second or shared")
	}
	switch s.getenv("VIEWFLIP_INJECTOR") {
	case "", "xtest":
	case "robotgo":
		o.robotgo = true
	default:
		return nil, errors.New("VIEWFLIP_INJECTOR is xtest or robotgo")
	}
	if s.make.guardian != nil {
		o.guardian = s.make.guardian(s.desk.Display())
	}
	return s.make.seat(s.desk, o)
}

// Clipboard is this desktop's, opened by the first call; nil where there is none or
// it cannot be used. Close closes it.
func (s *System) Clipboard() session.Clipboard {
	if s.make.clipboard == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clip == nil {
		c, err := s.make.clipboard(s.desk)
		if err != nil {
			s.log.Warn("no clipboard", "err", err)
			return nil
		}
		s.clip = c
	}
	return s.clip
}

// Overlay makes an empty overlay over a window. platform.ErrUnsupported on a system
// that lacks it. The caller closes it.
func (s *System) Overlay(id platform.WindowID) (Overlay, error) {
	if s.make.overlay == nil {
		return nil, platform.ErrUnsupported
	}
	return s.make.overlay(s.desk, id)
}

// Away tells when the person is no longer at this machine; see [platform.Away].
func (s *System) Away(ctx context.Context) (<-chan struct{}, platform.Capability) {
	return platform.Away(ctx, s.getenv, s.log)
}

// Close closes what was opened and is nobody else's.
func (s *System) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clip != nil {
		s.clip.Close()
		s.clip = nil
	}
}
