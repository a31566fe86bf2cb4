package x11

import (
	"fmt"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// maxFeed bounds how many events wait in a [Feed].
const maxFeed = 4096

// Feed takes the events of a connection off it as they come. The library keeps
// 5000 of them and reads no answer that comes behind those: a goroutine that takes
// the events and also waits for answers would wait for ever in a flood. Nothing
// else may take events of that connection. All methods may be called by anybody.
type Feed struct {
	c    *Conn
	mark xproto.Window // messages to it come back to us; never shown

	mu     sync.Mutex
	news   *sync.Cond
	events []xgb.Event
	lost   bool
	ended  bool
	// asked and seen are the numbers of the last mark that was sent, and came.
	asked, seen uint32
}

// NewFeed starts to take events; it stops when the connection ends.
func NewFeed(c *Conn) (*Feed, error) {
	// Not one of the first numbers: the server gives the range of a client that has
	// ended to the next one, and whoever asks for a window of that client that is
	// gone must not find this one.
	s := xproto.Setup(c.Conn)
	id := xproto.Window(s.ResourceIdBase | s.ResourceIdMask&^0xff | 0x5a)
	err := xproto.CreateWindowChecked(c.Conn, 0, id, c.Root, -1, -1, 1, 1, 0,
		xproto.WindowClassInputOnly, 0, xproto.CwOverrideRedirect, []uint32{1}).Check()
	if err != nil {
		return nil, fmt.Errorf("x11: %w", err)
	}
	f := &Feed{c: c, mark: id}
	f.news = sync.NewCond(&f.mu)
	go f.run()
	return f, nil
}

func (f *Feed) run() {
	for {
		ev, err := f.c.WaitForEvent()
		if ev == nil && err != nil {
			continue // that of a request about a window which has gone
		}
		f.mu.Lock()
		if ev == nil {
			f.ended = true
		} else {
			f.addLocked(ev)
		}
		f.news.Broadcast()
		f.mu.Unlock()
		if ev == nil {
			return
		}
	}
}

// addLocked puts an event behind the others. Of a window that moves on and on the
// last place counts, and of a property that changes on and on the last change; when
// too many wait, all are lost.
func (f *Feed) addLocked(ev xgb.Event) {
	switch e := ev.(type) {
	case xproto.ClientMessageEvent:
		if e.Window == f.mark && e.Format == 32 {
			f.seen = e.Data.Data32[0]
			return
		}
	case xproto.ConfigureNotifyEvent:
		if n := len(f.events); n > 0 {
			if last, ok := f.events[n-1].(xproto.ConfigureNotifyEvent); ok && moved(last, e) {
				f.events[n-1] = e
				return
			}
		}
	case xproto.PropertyNotifyEvent:
		if n := len(f.events); n > 0 {
			if last, ok := f.events[n-1].(xproto.PropertyNotifyEvent); ok && last.Window == e.Window && last.Atom == e.Atom && last.State == e.State {
				f.events[n-1] = e
				return
			}
		}
	}
	if len(f.events) >= maxFeed {
		f.events, f.lost = nil, true
	}
	f.events = append(f.events, ev)
}

// moved reports whether b says of a's window no more than another place. A size in
// between counts: with it the server gives a redirected window another pixmap.
func moved(a, b xproto.ConfigureNotifyEvent) bool {
	return a.Event == b.Event && a.Window == b.Window && a.Width == b.Width && a.Height == b.Height && a.BorderWidth == b.BorderWidth
}

// Next waits for an event; nil means that the connection has ended.
func (f *Feed) Next() xgb.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.events) == 0 && !f.ended {
		f.news.Wait()
	}
	return f.popLocked()
}

// Poll returns the next event, nil if there is none.
func (f *Feed) Poll() xgb.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.popLocked()
}

func (f *Feed) popLocked() xgb.Event {
	if len(f.events) == 0 {
		return nil
	}
	ev := f.events[0]
	f.events = f.events[1:]
	return ev
}

// Lost reports, once, that events were lost because nobody took them.
func (f *Feed) Lost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost := f.lost
	f.lost = false
	return lost
}

// Waiting returns what waits, oldest first, when all that the server had sent
// before this call has come.
func (f *Feed) Waiting() []xgb.Event {
	f.mu.Lock()
	f.asked++
	mark := f.asked
	f.mu.Unlock() // whoever takes events must not wait for the request
	ev := xproto.ClientMessageEvent{
		Format: 32, Window: f.mark, Type: xproto.AtomString,
		Data: xproto.ClientMessageDataUnionData32New([]uint32{mark, 0, 0, 0, 0}),
	}
	xproto.SendEvent(f.c.Conn, false, f.mark, xproto.EventMaskNoEvent, string(ev.Bytes()))
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.seen < mark && !f.ended {
		f.news.Wait()
	}
	return append([]xgb.Event(nil), f.events...)
}
