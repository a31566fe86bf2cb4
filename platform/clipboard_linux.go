package platform

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
)

const (
	// clipChunk is how much is moved in one property: what is larger goes in
	// pieces (INCR), since a request has a limit.
	clipChunk = 64 << 10
	// clipWait is how long another program may take for one step.
	clipWait = 5 * time.Second
	// lendTime is how long content is lent at most, and lendRest how long after
	// it was fetched: some programs ask twice.
	lendTime = 2 * time.Second
	lendRest = 300 * time.Millisecond
)

var errClipRefused = errors.New("platform: the program does not hand over what it copied")

// xclipboard is the clipboard of an X server: a window that owns selections.
type xclipboard struct {
	c    *x11.Conn
	win  xproto.Window
	done chan struct{}
	// lent counts what is to be given back; loan gives the newest back.
	lent    sync.WaitGroup
	lending sync.Mutex
	loan    func()

	// asking lets one conversion at a time use the property of ours.
	asking   sync.Mutex
	notified chan xproto.SelectionNotifyEvent
	arrived  chan struct{}
	// clock is a property of ours that is touched to learn the server's time.
	clock  xproto.Atom
	timing sync.Mutex
	times  chan xproto.Timestamp

	mu sync.Mutex
	// offers is what we own, or owned: the server asks owners only, and a
	// SelectionClear that comes late must not take away what came after it.
	offers   map[xproto.Atom]*clipOffer
	sends    map[clipTarget]*clipSend
	watchers map[chan struct{}]xproto.Window
}

// clipOffer is what we own a selection with.
type clipOffer struct {
	clip Clip
	// only is the client that may have it; 0 is everybody.
	only xproto.Window
	// fetched is closed when somebody had it.
	fetched chan struct{}
	once    sync.Once
}

func newOffer(c Clip, only xproto.Window) *clipOffer {
	return &clipOffer{clip: c, only: only, fetched: make(chan struct{})}
}

// clipTarget is where a piecewise transfer goes, clipSend what is left of it.
type clipTarget struct {
	win  xproto.Window
	prop xproto.Atom
}

type clipSend struct {
	kind  xproto.Atom
	rest  []byte
	ended func()
}

func (x *xdesktop) openClipboard() (clipboard, error) {
	c, err := x11.Connect(x.display)
	if err != nil {
		return nil, err
	}
	if err := c.Require(x11.XFixes); err != nil {
		c.Close()
		return nil, err
	}
	win, err := xproto.NewWindowId(c.Conn)
	if err == nil {
		err = xproto.CreateWindowChecked(c.Conn, 0, win, c.Root, -1, -1, 1, 1, 0, xproto.WindowClassInputOnly, 0,
			xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange}).Check()
	}
	if err == nil {
		err = xfixes.SelectSelectionInputChecked(c.Conn, win, c.Atom("CLIPBOARD"), xfixes.SelectionEventMaskSetSelectionOwner).Check()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	b := &xclipboard{
		c: c, win: win, done: make(chan struct{}),
		notified: make(chan xproto.SelectionNotifyEvent, 1), arrived: make(chan struct{}, 1),
		clock: c.Atom("_VIEWFLIP_TIME"), times: make(chan xproto.Timestamp, 1),
		offers: map[xproto.Atom]*clipOffer{}, sends: map[clipTarget]*clipSend{}, watchers: map[chan struct{}]xproto.Window{},
	}
	go b.events()
	return b, nil
}

func (b *xclipboard) close() {
	b.c.Close()
	<-b.done
	b.lent.Wait()
}

// client is the part of a window's id that all windows of one program share.
func (b *xclipboard) client(w xproto.Window) xproto.Window {
	return w &^ xproto.Window(xproto.Setup(b.c.Conn).ResourceIdMask)
}

func (b *xclipboard) events() {
	defer close(b.done)
	for {
		ev, err := b.c.WaitForEvent()
		if ev == nil && err == nil {
			return
		}
		switch e := ev.(type) {
		case xproto.SelectionRequestEvent:
			b.serve(e)
		case xproto.SelectionNotifyEvent:
			newest(b.notified, e)
		case xproto.PropertyNotifyEvent:
			switch {
			case e.Window == b.win && e.Atom == b.clock:
				newest(b.times, e.Time)
			case e.Window == b.win && e.State == xproto.PropertyNewValue:
				newest(b.arrived, struct{}{})
			case e.State == xproto.PropertyDelete:
				b.piece(clipTarget{e.Window, e.Atom})
			}
		case xgb.Event:
			if n, ok := b.c.SelectionNotify(e); ok {
				b.owned(n)
			}
		}
	}
}

// newest puts v into a channel of one place.
func newest[T any](ch chan T, v T) {
	select {
	case <-ch:
	default:
	}
	ch <- v
}

// owned tells who waits for that program to copy something.
func (b *xclipboard) owned(n xfixes.SelectionNotifyEvent) {
	if n.Owner == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch, client := range b.watchers {
		if b.client(n.Owner) == client {
			newest(ch, struct{}{})
		}
	}
}

// targets are the atoms under which a kind is offered, the best first.
func (b *xclipboard) targets(k ClipKind) []xproto.Atom {
	if k == ClipPNG {
		return []xproto.Atom{b.c.Atom("image/png")}
	}
	return []xproto.Atom{b.c.Atom("UTF8_STRING"), b.c.Atom("text/plain;charset=utf-8")}
}

// serve answers a program that wants what we own.
func (b *xclipboard) serve(e xproto.SelectionRequestEvent) {
	prop := e.Property
	if prop == 0 { // ICCCM 2.2: obsolete clients
		prop = e.Target
	}
	b.mu.Lock()
	o := b.offers[e.Selection]
	b.mu.Unlock()
	mine := b.client(e.Requestor) == b.client(b.win)
	switch {
	case o == nil || o.only != 0 && b.client(e.Requestor) != o.only && !mine:
		prop = 0
	case e.Target == b.c.Atom("TARGETS"):
		atoms := append([]xproto.Atom{b.c.Atom("TARGETS")}, b.targets(o.clip.Kind)...)
		data := make([]byte, 4*len(atoms))
		for i, a := range atoms {
			xgb.Put32(data[4*i:], uint32(a))
		}
		xproto.ChangeProperty(b.c.Conn, xproto.PropModeReplace, e.Requestor, prop, xproto.AtomAtom, 32, uint32(len(atoms)), data)
	case slices.Contains(b.targets(o.clip.Kind), e.Target):
		ended := func() {
			if !mine {
				o.once.Do(func() { close(o.fetched) })
			}
		}
		if len(o.clip.Data) <= clipChunk {
			b.put(e.Requestor, prop, e.Target, o.clip.Data)
			ended()
			break
		}
		b.mu.Lock()
		b.sends[clipTarget{e.Requestor, prop}] = &clipSend{kind: e.Target, rest: o.clip.Data, ended: ended}
		b.mu.Unlock()
		if !mine {
			xproto.ChangeWindowAttributes(b.c.Conn, e.Requestor, xproto.CwEventMask, []uint32{xproto.EventMaskPropertyChange})
		}
		size := make([]byte, 4)
		xgb.Put32(size, uint32(len(o.clip.Data)))
		xproto.ChangeProperty(b.c.Conn, xproto.PropModeReplace, e.Requestor, prop, b.c.Atom("INCR"), 32, 1, size)
	default:
		prop = 0
	}
	n := xproto.SelectionNotifyEvent{Time: e.Time, Requestor: e.Requestor, Selection: e.Selection, Target: e.Target, Property: prop}
	xproto.SendEvent(b.c.Conn, false, e.Requestor, 0, string(n.Bytes()))
}

func (b *xclipboard) put(w xproto.Window, prop, kind xproto.Atom, data []byte) {
	xproto.ChangeProperty(b.c.Conn, xproto.PropModeReplace, w, prop, kind, 8, uint32(len(data)), data)
}

// piece sends the next part of what is large; an empty one is the end.
func (b *xclipboard) piece(to clipTarget) {
	b.mu.Lock()
	s := b.sends[to]
	if s == nil {
		b.mu.Unlock()
		return
	}
	n := min(len(s.rest), clipChunk)
	part := s.rest[:n]
	s.rest = s.rest[n:]
	if n == 0 {
		delete(b.sends, to)
	}
	b.mu.Unlock()
	b.put(to.win, to.prop, s.kind, part)
	if n == 0 {
		s.ended()
	}
}

// now asks for the server's time.
func (b *xclipboard) now() (xproto.Timestamp, error) {
	b.timing.Lock()
	defer b.timing.Unlock()
	select {
	case <-b.times:
	default:
	}
	xproto.ChangeProperty(b.c.Conn, xproto.PropModeAppend, b.win, b.clock, xproto.AtomString, 8, 0, nil)
	select {
	case t := <-b.times:
		return t, nil
	case <-time.After(clipWait):
		return 0, errors.New("platform: the display server does not answer")
	case <-b.done:
		return 0, ErrGone
	}
}

// own makes us the owner of a selection, unless somebody became it after t: the
// server sees to that (X protocol, SetSelectionOwner).
func (b *xclipboard) own(sel xproto.Atom, o *clipOffer, t xproto.Timestamp) error {
	b.mu.Lock()
	b.offers[sel] = o
	b.mu.Unlock()
	xproto.SetSelectionOwner(b.c.Conn, b.win, sel, t)
	r, err := xproto.GetSelectionOwner(b.c.Conn, sel).Reply()
	if err == nil && r.Owner != b.win {
		err = errors.New("platform: another program took the clipboard")
	}
	if err != nil {
		b.forget(sel, o)
	}
	return err
}

// forget drops an offer that is in force no more.
func (b *xclipboard) forget(sel xproto.Atom, o *clipOffer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.offers[sel] == o {
		delete(b.offers, sel)
	}
}

func (b *xclipboard) write(c Clip) error {
	return b.own(b.c.Atom("CLIPBOARD"), newOffer(c, 0), xproto.TimeCurrentTime)
}

func (b *xclipboard) read(ctx context.Context) (Clip, error) {
	return b.content(ctx, b.c.Atom("CLIPBOARD"))
}

// content asks the owner of a selection for text, or else a picture.
func (b *xclipboard) content(ctx context.Context, sel xproto.Atom) (Clip, error) {
	b.asking.Lock()
	defer b.asking.Unlock()
	if r, err := xproto.GetSelectionOwner(b.c.Conn, sel).Reply(); err != nil || r.Owner == 0 {
		return Clip{}, ErrNoClip
	}
	list, err := b.convert(ctx, sel, b.c.Atom("TARGETS"))
	if err != nil {
		return Clip{}, ErrNoClip
	}
	var have []xproto.Atom
	for i := 0; i+4 <= len(list); i += 4 {
		have = append(have, xproto.Atom(xgb.Get32(list[i:])))
	}
	for _, kind := range []ClipKind{ClipText, ClipPNG} {
		for _, target := range b.targets(kind) {
			if slices.Contains(have, target) {
				data, err := b.convert(ctx, sel, target)
				return Clip{kind, data}, err
			}
		}
	}
	return Clip{}, ErrNoClip
}

// convert fetches a selection in one form; asking is held.
func (b *xclipboard) convert(ctx context.Context, sel, target xproto.Atom) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, clipWait)
	defer cancel()
	prop := b.c.Atom("_VIEWFLIP_CLIP")
	xproto.DeleteProperty(b.c.Conn, b.win, prop)
	select { // what an earlier one left
	case <-b.notified:
	default:
	}
	xproto.ConvertSelection(b.c.Conn, b.win, sel, target, prop, xproto.TimeCurrentTime)
	for {
		select {
		case n := <-b.notified:
			if n.Selection != sel || n.Target != target {
				continue // a late answer to an earlier question
			}
			if n.Property == 0 {
				return nil, errClipRefused
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-b.done:
			return nil, ErrGone
		}
		break
	}
	select {
	case <-b.arrived:
	default:
	}
	kind, data, err := b.take(prop)
	if err != nil || kind != b.c.Atom("INCR") {
		return data, err
	}
	var all []byte
	for {
		select {
		case <-b.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-b.done:
			return nil, ErrGone
		}
		kind, data, err := b.take(prop)
		switch {
		case err != nil:
			return nil, err
		case kind == 0: // this was taken already
			continue
		case len(data) == 0:
			return all, nil
		case len(all)+len(data) > MaxClip:
			return nil, ErrClipTooLarge
		}
		all = append(all, data...)
	}
}

// take reads and deletes the property of ours.
func (b *xclipboard) take(prop xproto.Atom) (kind xproto.Atom, data []byte, err error) {
	r, err := xproto.GetProperty(b.c.Conn, true, b.win, prop, xproto.GetPropertyTypeAny, 0, MaxClip/4).Reply()
	if err != nil {
		return 0, nil, err
	}
	if r.BytesAfter > 0 {
		return 0, nil, ErrClipTooLarge
	}
	return r.Type, r.Value, nil
}

func (b *xclipboard) lend(ctx context.Context, id WindowID, c Clip, primary bool) (func(), error) {
	b.lending.Lock()
	defer b.lending.Unlock()
	if b.loan != nil { // else what is lent now would be taken for the sharer's own
		b.loan()
	}
	selections := []xproto.Atom{b.c.Atom("CLIPBOARD")}
	if primary {
		selections = append(selections, xproto.AtomPrimary)
	}
	o := newOffer(c, b.client(xproto.Window(id.id)))
	before := map[xproto.Atom]Clip{}
	for _, sel := range selections {
		if old, err := b.content(ctx, sel); err == nil {
			before[sel] = old
		}
	}
	at, err := b.now()
	if err != nil {
		return nil, err
	}
	// With the time of lending, giving back has no effect once somebody has
	// copied something else; the question is for who did in that millisecond.
	back := func() {
		for _, sel := range selections {
			if r, err := xproto.GetSelectionOwner(b.c.Conn, sel).Reply(); err != nil || r.Owner != b.win {
				b.forget(sel, o)
				continue
			}
			if old, ok := before[sel]; ok {
				_ = b.own(sel, newOffer(old, 0), at) // else somebody has it
				continue
			}
			xproto.SetSelectionOwner(b.c.Conn, 0, sel, at)
			b.forget(sel, o)
		}
	}
	for _, sel := range selections {
		if err := b.own(sel, o, at); err != nil {
			back()
			return nil, err
		}
	}
	b.loan = b.lendUntil(o.fetched, back)
	return b.loan, nil
}

// lendUntil calls back when what is lent was fetched and a while has passed, when
// nobody fetches it, or when the function that it returns is called, which waits
// for that; not when b ends before anybody has fetched it.
func (b *xclipboard) lendUntil(fetched <-chan struct{}, back func()) func() {
	now := make(chan struct{})
	ended := make(chan struct{})
	b.lent.Go(func() {
		defer close(ended)
		select {
		case <-fetched:
			select {
			case <-time.After(lendRest):
			case <-now:
			case <-b.done:
			}
		case <-time.After(lendTime):
		case <-now:
		case <-b.done:
			return
		}
		back()
	})
	return sync.OnceFunc(func() { close(now); <-ended })
}

func (b *xclipboard) copied(id WindowID) func(ctx context.Context) (Clip, error) {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	b.watchers[ch] = b.client(xproto.Window(id.id))
	b.mu.Unlock()
	return func(ctx context.Context) (Clip, error) {
		defer func() {
			b.mu.Lock()
			delete(b.watchers, ch)
			b.mu.Unlock()
		}()
		select {
		case <-ch:
			return b.content(context.WithoutCancel(ctx), b.c.Atom("CLIPBOARD"))
		case <-ctx.Done():
			return Clip{}, ctx.Err()
		case <-b.done:
			return Clip{}, ErrGone
		}
	}
}
