package ui

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// shell is what the windowing toolkit can do beyond Fyne's interface. In
// tests there is none of it.
type shell interface {
	// do runs f on the main goroutine soon, in order.
	do(f func())
	// stop ends the toolkit's loop.
	stop()
	// attach begins to deliver raw input of a window; detach ends it.
	attach(w fyne.Window, in rawInput) (detach func())
	// prompt makes input arrive without delay while on, at some cost.
	prompt(on bool)
	// native is the window's handle and display for a child surface.
	native(w fyne.Window) (handle uintptr, ok bool)
	// repaint draws a window now instead of at the toolkit's next tick.
	repaint(w fyne.Window)
	// attention asks the person to look at a window without taking the
	// keyboard away from what they type into.
	attention(w fyne.Window)
	// room is the usable size of the screen in the toolkit's units; zero if
	// unknown.
	room(w fyne.Window) fyne.Size
	// size is what the window's content has now by the display server, in pixels
	// of the screen; false if unknown. The toolkit may not know it yet.
	size(w fyne.Window) (image.Point, bool)
	// least tells the window manager the least size of a window's content in the
	// toolkit's units; it may give less. False before the window is shown.
	least(w fyne.Window, size fyne.Size) bool
	// resize asks for a size of a window's content, in pixels of the screen; false
	// if it cannot. A window that fills the screen stays as it is. The toolkit
	// learns of the size that the window manager then gives.
	resize(w fyne.Window, size image.Point) bool
	// reshape is resize, and moves the window by a way, as far as there is room.
	reshape(w fyne.Window, size, by image.Point) bool
}

// program is everything that is on screen. Its fields belong to the main
// goroutine, except those that never change.
type program struct {
	o     Options
	log   *slog.Logger
	app   fyne.App
	shell shell
	now   func() time.Time

	ctx    context.Context //nolint:containedctx // the life of the screens, not of a request
	cancel context.CancelFunc
	wg     sync.WaitGroup

	home *home
	// people is the newest state of the account; ringing gives up calling
	// somebody, answering gives up joining somebody who called.
	people    PeopleState
	rung      map[wire.InviteID]bool
	ringing   context.CancelFunc
	answering context.CancelFunc
	account   *accountDialog // while it is open
	// comparing are the words that are on screen, if any.
	comparing *comparing
	lobby     *lobby
	call      Call
	endCall   context.CancelFunc
	state     session.State
	viewers   map[shareKey]*viewer
	// left holds remote shares whose viewer was closed by hand: they are not
	// opened again unasked.
	left map[shareKey]bool
	// seen counts requests that were already announced, hidden the dialogs that
	// viewers do not see.
	seen   map[askKey]bool
	hidden map[maskedKey]bool
	// counting is true while the words about ends are to be shown again.
	counting bool
	err      error
	gone     bool
}

// shareKey names a remote share.
type shareKey struct {
	member session.MemberID
	share  wire.ShareID
}

// askKey names a request for rights.
type askKey struct {
	member session.MemberID
	share  wire.ShareID
}

func newProgram(ctx context.Context, o Options, app fyne.App, sh shell) *program {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Name == nil {
		o.Name = func() string { return "" }
	}
	if o.SetName == nil {
		o.SetName = func(string) {}
	}
	p := &program{
		o: o, log: o.Log, app: app, shell: sh, now: time.Now,
		viewers: map[shareKey]*viewer{}, left: map[shareKey]bool{}, seen: map[askKey]bool{},
	}
	p.ctx, p.cancel = context.WithCancel(ctx)
	return p
}

// start shows the first screen; on the main goroutine.
func (p *program) start() {
	p.home = newHome(p)
	p.lobby = newLobby(p)
	if p.o.ViewerOnly {
		p.lobby.update(session.State{})
	} else {
		p.home.show()
		p.followPeople()
	}
	if p.o.Link != "" {
		p.home.openLink(p.o.Link)
	}
}

// spawn runs f on a goroutine that Run waits for.
func (p *program) spawn(f func(ctx context.Context)) {
	p.wg.Go(func() { f(p.ctx) })
}

// do runs f on the main goroutine unless the screens are gone.
func (p *program) do(f func()) {
	p.shell.do(func() {
		if !p.gone {
			f()
		}
	})
}

// after runs f on the main goroutine after d.
func (p *program) after(d time.Duration, f func()) {
	p.spawn(func(ctx context.Context) {
		select {
		case <-time.After(d):
			p.do(f)
		case <-ctx.Done():
		}
	})
}

// quit leaves the call and ends the program.
func (p *program) quit() {
	if p.gone {
		return
	}
	p.leave()
	p.gone = true
	p.cancel()
	p.shell.stop()
}

// adopt makes c the current call and follows it.
func (p *program) adopt(c Call) {
	ctx, cancel := context.WithCancel(p.ctx)
	p.call, p.endCall = c, cancel
	p.left, p.seen = map[shareKey]bool{}, map[askKey]bool{}
	changed, events := c.Changed(ctx), c.Events(ctx)
	p.spawn(func(context.Context) {
		for {
			st := c.State()
			p.do(func() { p.update(c, st) })
			select {
			case <-changed:
			case <-c.Done():
				p.do(func() { p.ended(c) })
				return
			case <-ctx.Done():
				return
			}
		}
	})
	p.spawn(func(context.Context) {
		for {
			select {
			case e, ok := <-events:
				if !ok {
					return
				}
				if e.Kind == session.EventLinkUsed {
					p.do(func() {
						if p.call == c {
							p.home.linkUsed()
						}
					})
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// update shows a new state of the current call.
func (p *program) update(c Call, st session.State) {
	if p.call != c {
		return
	}
	p.state = st
	present := map[shareKey]bool{}
	for _, r := range st.Remote {
		k := shareKey{r.Member, r.Share}
		present[k] = true
		if v := p.viewers[k]; v != nil {
			p.revive(v, r)
			v.update(r)
		} else if r.Ended == 0 && !p.left[k] && p.mayOpen(r) {
			p.open(r)
		}
	}
	for k, v := range p.viewers {
		if !present[k] {
			v.lost()
		}
	}
	p.announce(st)
	if p.comparing != nil {
		p.comparing.update(st)
	}
	p.home.update(st)
	p.lobby.update(st)
	p.count(c, st)
}

// maxUnasked is how many windows of one member are opened by themselves; the
// others are in the list.
const maxUnasked = 4

// mayOpen reports whether a share is opened without a click: not those of
// somebody for whom nobody we trust vouches, and not any number of them.
func (p *program) mayOpen(r session.RemoteShare) bool {
	open := 0
	for k := range p.viewers {
		if k.member == r.Member {
			open++
		}
	}
	return !r.Unvouched && open < maxUnasked
}

// revive gives a viewer whose view has ended the share's new view, if it is
// offered again.
func (p *program) revive(v *viewer, r session.RemoteShare) {
	if !v.dead || r.Ended != 0 {
		return
	}
	view, err := p.call.View(r.Member, r.Share)
	if err != nil {
		p.log.Debug("view again", "err", err)
		return
	}
	v.renew(view)
}

// announce draws attention to requests that are new.
func (p *program) announce(st session.State) {
	now, hidden := map[askKey]bool{}, map[maskedKey]bool{}
	fresh := false
	for _, a := range st.Asks {
		k := askKey{a.Member, a.Share}
		now[k] = true
		fresh = fresh || !p.seen[k]
	}
	for _, m := range st.Masked {
		k := maskedKey{m.Share, m.Surface}
		hidden[k] = true
		fresh = fresh || !p.hidden[k]
	}
	p.seen, p.hidden = now, hidden
	if fresh {
		p.home.show()
		p.shell.attention(p.home.win)
	}
}

// open shows a remote share in a window of its own.
func (p *program) open(r session.RemoteShare) {
	k := shareKey{r.Member, r.Share}
	if v := p.viewers[k]; v != nil {
		v.win.RequestFocus()
		return
	}
	view, err := p.call.View(r.Member, r.Share)
	if err != nil {
		p.log.Warn("view", "err", err)
		return
	}
	delete(p.left, k)
	p.viewers[k] = newViewer(p, k, view)
	if p.o.AskControl && r.Rights&wire.RightControl == 0 {
		if err := view.Ask(wire.RightSee | wire.RightPoint | wire.RightControl); err != nil {
			p.log.Warn("ask", "err", err)
		}
	}
}

// viewerClosed forgets a viewer whose window was closed.
func (p *program) viewerClosed(v *viewer) {
	if p.viewers[v.key] != v {
		return
	}
	delete(p.viewers, v.key)
	p.left[v.key] = true
	if p.o.ViewerOnly && len(p.viewers) == 0 {
		p.quit()
		return
	}
	p.home.update(p.state)
	p.lobby.update(p.state)
}

// ended is the end of a call that nobody here asked for.
func (p *program) ended(c Call) {
	if p.call != c {
		return
	}
	p.leave()
	if p.o.ViewerOnly {
		p.quit()
		return
	}
	p.home.say("The call has ended: the connection to the service was lost.", true)
}

// leave ends the call; everything that was shared or viewed ends with it.
func (p *program) leave() {
	c := p.call
	if c == nil {
		return
	}
	p.giveUpRinging() // into this call
	if p.comparing != nil {
		p.comparing.dialog.Hide()
	}
	p.call, p.state = nil, session.State{}
	p.endCall()
	for k, v := range p.viewers {
		delete(p.viewers, k)
		v.close()
	}
	c.Leave()
	p.home.leftCall()
}

// withCall runs f with the current call or a new one, off the main goroutine,
// and done with its error on it. A new call is made for link, which may be nil.
// The function it returns gives up.
func (p *program) withCall(link *wire.Link, f func(ctx context.Context, c Call) error, done func(error)) context.CancelFunc {
	cur := p.call
	ctx, cancel := context.WithCancel(p.ctx)
	p.spawn(func(context.Context) {
		defer cancel()
		c := cur
		if c == nil {
			var err error
			if c, err = p.o.NewCall(ctx, link); err != nil {
				p.do(func() { done(err) })
				return
			}
		}
		err := f(ctx, c)
		if ctx.Err() != nil {
			if cur == nil {
				c.Leave()
			}
			p.do(func() { done(ctx.Err()) })
			return
		}
		p.do(func() {
			if cur == nil {
				switch {
				case err != nil || p.call != nil:
					c.Leave()
				default:
					p.adopt(c)
				}
			}
			done(err)
		})
	})
	return cancel
}

// share offers windows, in the current call or a new one.
func (p *program) share(wins []platform.Window, grant wire.Rights, done func(error)) {
	p.withCall(nil, func(ctx context.Context, c Call) error {
		var errs []error
		for _, w := range wins {
			if _, err := c.Share(ctx, w, grant); err != nil {
				errs = append(errs, err)
			}
		}
		if len(errs) == len(wins) {
			return errors.Join(errs...)
		}
		return nil
	}, done)
}

// join enters a call by its link. The call that was open is left first.
func (p *program) join(l wire.Link, done func(error)) context.CancelFunc {
	p.leave()
	return p.withCall(&l, func(ctx context.Context, c Call) error { return c.Join(ctx, l) }, func(err error) {
		if err != nil && p.o.ViewerOnly {
			p.err = err
			p.quit()
			return
		}
		done(err)
	})
}

// act runs a command that may wait for the network or the display server off
// the main goroutine, and done with its error on it.
func (p *program) act(f func() error, done func(error)) {
	p.spawn(func(context.Context) {
		err := f()
		if err != nil {
			p.log.Warn("command failed", "err", err)
		}
		if done != nil {
			p.do(func() { done(err) })
		}
	})
}
