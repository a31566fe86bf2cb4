package xtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/input"
	"viewflip.app/platform"
	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// hands are the pointer and keyboard of a Seat while it is in use.
type hands struct {
	log *slog.Logger
	// own is the seat's connection: it holds the slot and the park window.
	own *x11.Conn
	// act is the connection that grabs, asks and injects: own, or a Backend's.
	act  *xgb.Conn
	emit Emitter
	// turn guards act and everything below: a server grab belongs to a
	// connection, so two Desks must not be inside theirs at once.
	turn sync.Locker
	// xi, idle, res, kb and shapes are nil where the server lacks them.
	xi     *xinput.Client
	idle   *xinput.Idle
	res    *xinput.Resources
	kb     *xinput.Keyboards
	shapes *xinput.Shapes
	// park is a mapped window of one pixel off the screen, where the second
	// keyboard's focus is when it is nowhere.
	park xproto.Window
	// probe is never mapped: a grab for it can only fail, and how it fails
	// tells whether somebody else has one.
	probe xproto.Window
	// second says that ptr and kbd are a pair of our own; else they are the
	// host's.
	second   bool
	slot     int
	ptr, kbd xinput.DeviceID
	// fake is the device of XTEST under kbd.
	fake xinput.DeviceID
	stop func() // waits for the guardian's end

	layout *layout // of kbd
	// rules are what the maps of the keyboards forbid.
	rules map[xinput.DeviceID]*keyRules
	// repeated has a bit for each key of the host's keyboard that the server
	// repeats when we do not hold it; empty if kbd is another.
	repeated []byte
	// typist is the Desk that holds keys: a keyboard has one focus.
	typist *Desk
	host   activity
	// dragger is the Desk that holds buttons, leaders are those whose program's
	// core requests mean the second pair.
	dragger *Desk
	leaders []*Desk
	// ptrGrab and kbdGrab are those of the second pair by others.
	ptrGrab, kbdGrab grab
	// actor is the Desk that acted last, and actedAt when.
	actor   *Desk
	actedAt time.Time
	// before is what the host's pair did when a guest acted last. Until free,
	// nobody new may grab it: freeing sees to that. jumps says that a window
	// manager may put the host's pointer elsewhere meanwhile.
	before host
	// captured is when somebody was first seen to have grabbed the host's pair
	// because of what a guest did; zero if nobody has. wasTaken says that it was
	// grabbed when it was looked at last. escaped is when an Escape was pressed
	// for that, escapeRest how long the next one waits.
	captured, escaped time.Time
	wasTaken          bool
	escapeRest        time.Duration
	// lost says that there is no second pair any more, although there should be;
	// left that a window was given up while its program had grabbed the pair.
	lost, left     bool
	free           time.Time
	freeing, jumps bool
	pace           pace
	// loans are the spare keycodes that type something now; loanAtom names the
	// list of them on the root, giveBack is when they are looked at.
	loans    []loan
	loanAtom xproto.Atom
	giveBack *time.Timer
}

func (s *Seat) open(ctx context.Context, id platform.WindowID) (input.Desk, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		h, err := s.take(ctx)
		if err != nil {
			return nil, err
		}
		s.hands = h
	}
	d, err := s.desk(id)
	if err != nil {
		if s.users == 0 {
			s.leave()
		}
		return nil, err
	}
	s.users++
	return d, nil
}

func (s *Seat) pointer() (uint16, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hands == nil || !s.hands.second {
		return 0, false
	}
	s.hands.turn.Lock()
	defer s.hands.turn.Unlock()
	return uint16(s.hands.ptr), true
}

// close is called once for each Desk.
func (s *Seat) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.leave()
		return
	}
	h := s.hands
	h.turn.Lock()
	defer h.turn.Unlock()
	if !h.left || h.lost {
		return
	}
	h.left = false
	if err := s.renewPair(h, h.park); err != nil { // else nobody could use that program any more
		h.log.Warn("the guests' pointer was not made anew", "err", err)
	}
}

// errNoPair means that the server refused a second master pair.
var errNoPair = errors.New("the server makes no second pointer")

// take makes the second pair, or shares the host's where there can be none.
func (s *Seat) take(ctx context.Context) (*hands, error) {
	if !s.opt.Shared {
		h, err := s.setUp(ctx, false)
		if !errors.Is(err, errNoPair) && !errors.Is(err, xinput.ErrUnsupported) {
			return h, err
		}
		s.opt.Log.Warn("no second cursor: guests share the host's", "err", err)
	}
	return s.setUp(ctx, true)
}

// setUp connects and makes what acts.
func (s *Seat) setUp(ctx context.Context, shared bool) (_ *hands, err error) {
	own, err := x11.Connect(s.display)
	if err != nil {
		return nil, err
	}
	h := &hands{log: s.opt.Log, own: own, turn: &sync.Mutex{}, host: s.past, ptr: xinput.CorePointer, kbd: xinput.CoreKeyboard, stop: func() {}}
	defer func() {
		if err != nil {
			if h.second {
				_ = h.xi.RemoveMaster(h.ptr) // and if that fails, the guardian will
			}
			own.Close()
			h.stop()
		}
	}()
	if err := own.Require(x11.XTest); err != nil {
		return nil, err
	}
	if s.desktop.Session().Type == platform.SessionWayland {
		return nil, ErrWayland
	}
	if err := h.connect(s.opt.Backend); err != nil {
		return nil, err
	}
	if h.xi == nil && !shared {
		return nil, xinput.ErrUnsupported
	}
	if err := h.windows(); err != nil {
		return nil, err
	}
	if shared {
		shares := []byte{1, 0, 0, 0}
		xproto.ChangeProperty(own.Conn, xproto.PropModeReplace, h.park, own.Atom(sharedName), xproto.AtomCardinal, 32, 1, shares)
	}
	slot, err := takeSlot(own, h.park)
	if err != nil {
		return nil, fmt.Errorf("slot: %w", err)
	}
	h.loanAtom = own.Atom(loanName(slot))
	if s.opt.Guard != nil { // before there is anything to guard
		stop, err := s.opt.Guard(ctx, slot)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrGuardian, err)
		}
		h.stop = stop
	}
	if !shared {
		err = s.makePair(h, slot)
	} else {
		err = h.readRepeat()
	}
	if err != nil {
		return nil, err
	}
	if err := h.watchMaps(); err != nil {
		return nil, err
	}
	h.layout, err = readLayout(h.act)
	return h, err
}

// connect finds out what acts, and what the server can tell it.
func (h *hands) connect(backend func() (Backend, error)) error {
	h.act, h.emit = h.own.Conn, fake{h.own.Conn, h.own.Root}
	if backend != nil {
		b, err := backend()
		if err != nil {
			return err
		}
		h.act, h.emit, h.turn = b.Conn, b.Emitter, b.Turn
	}
	var err error
	if h.xi, err = xinput.New(h.act); err != nil {
		if !errors.Is(err, xinput.ErrUnsupported) {
			return err
		}
		h.xi = nil
	}
	if h.res, err = xinput.NewResources(h.act); err != nil && !errors.Is(err, xinput.ErrNoResources) {
		return err
	}
	if h.shapes, err = xinput.NewShapes(h.act); err != nil {
		if !errors.Is(err, xinput.ErrNoShape) {
			return err
		}
		h.shapes = nil
	}
	if h.kb, err = xinput.NewKeyboards(h.act); err != nil {
		if !errors.Is(err, xinput.ErrNoXKB) {
			return err
		}
		h.kb = nil
	}
	if h.idle, err = xinput.NewIdle(h.act); err != nil {
		if !errors.Is(err, xinput.ErrNoIdle) {
			return err
		}
		h.idle = nil
		h.log.Warn("the host's own hand is not noticed", "err", err)
	}
	return nil
}

func (h *hands) windows() error {
	for _, w := range []*xproto.Window{&h.park, &h.probe} {
		id, err := xproto.NewWindowId(h.own.Conn)
		if err != nil {
			return err
		}
		*w = id
		err = xproto.CreateWindowChecked(h.own.Conn, 0, id, h.own.Root, -1, -1, 1, 1, 0,
			xproto.WindowClassInputOnly, 0, xproto.CwOverrideRedirect, []uint32{1}).Check()
		if err != nil {
			return err
		}
	}
	return xproto.MapWindowChecked(h.own.Conn, h.park).Check()
}

// makePair makes the second master pair of a slot that is ours. Nobody sees its
// keyboard with another map than the host's, nor with the focus that new
// keyboards have, which type into the window under their pointer.
func (s *Seat) makePair(h *hands, slot int) error {
	if err := s.alone(func(xi *xinput.Client) error { return h.addPair(xi, pairName(slot)) }); err != nil {
		return err
	}
	h.slot, h.second = slot, true
	return h.usePair()
}

// usePair has the requests of the acting connection mean the second pair.
func (h *hands) usePair() error {
	if err := h.xi.SetClientPointer(0, h.ptr).Check(); err != nil {
		return err
	}
	return h.stopRepeat()
}

// addPair makes a second master pair. The server is grabbed.
func (h *hands) addPair(xi *xinput.Client, name string) error {
	if err := xi.AddMaster(name); err != nil {
		return fmt.Errorf("%w: %w", errNoPair, err)
	}
	all, err := xi.Devices()
	if err != nil {
		return err
	}
	ptr, kbd := xinput.CorePointer, xinput.CoreKeyboard
	for _, d := range all {
		switch {
		case d.Use == xinput.MasterPointer && d.Name == name+" pointer":
			ptr = d.ID
		case d.Use == xinput.MasterKeyboard && d.Name == name+" keyboard":
			kbd = d.ID
		}
	}
	if ptr == xinput.CorePointer || kbd == xinput.CoreKeyboard {
		return errNoPair
	}
	h.ptr, h.kbd = ptr, kbd
	if err := errors.Join(xi.SetFocus(kbd, h.park).Check(), h.copyMap(xi)); err != nil {
		return errors.Join(err, xi.RemoveMaster(ptr))
	}
	return nil
}

// leave removes the second pair, which releases whatever it may still hold.
func (s *Seat) leave() {
	h := s.hands
	s.hands = nil
	h.turn.Lock()
	h.settle()
	if h.giveBack != nil {
		h.giveBack.Stop()
		h.giveBack = nil
	}
	if h.second { // before there is news of a map
		h.xi.SetClientPointer(0, xinput.CorePointer)
		h.second = false
		if err := s.removePair(h.ptr, h.kbd); err != nil {
			h.log.Warn("second cursor not removed", "err", err)
			_ = h.xi.RemoveMaster(h.ptr) // and if that fails, the next start will
		}
	}
	h.returnLoans(time.Now())
	s.past = h.host
	h.turn.Unlock()
	h.own.Close()
	h.stop()
}
