package ui

import (
	"context"
	"image"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/platform"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// callPane is the home window during a call.
type callPane struct {
	p *program

	asks    *rows[askKey, *requestCard]
	masked  *rows[maskedKey, *maskedCard]
	shares  *rows[wire.ShareID, *shareRow]
	remote  *rows[shareKey, *remoteRow]
	people  *rows[session.MemberID, *personRow]
	none    *para
	shared  *fyne.Container
	nobody  *para
	stopAll *widget.Button
	invite  *invitePane
	root    *fyne.Container
}

func newCallPane(p *program) *callPane {
	c := &callPane{p: p}
	c.asks = newRows[askKey, *requestCard](10)
	c.masked = newRows[maskedKey, *maskedCard](10)
	c.shares = newRows[wire.ShareID, *shareRow](0)
	c.remote = newRows[shareKey, *remoteRow](0)
	c.people = newRows[session.MemberID, *personRow](0)
	c.none = quiet("You share nothing in this call. Everybody here may share windows.")
	c.nobody = quiet("Nobody else is here yet.")
	c.stopAll = widget.NewButton("Stop sharing", func() {
		if call := p.call; call != nil {
			ids := p.state.Shares
			p.act(func() error {
				for _, s := range ids {
					call.StopShare(s.ID)
				}
				return nil
			}, nil)
		}
	})
	c.stopAll.Importance = widget.DangerImportance
	add := widget.NewButtonWithIcon("Add window", theme.ContentAddIcon(), func() { p.home.visit(screenAdd) })
	if p.o.Desktop == nil {
		add.Disable()
	}
	leave := widget.NewButton("Leave call", func() { p.leave() })
	c.invite = newInvitePane(p)

	var people fyne.CanvasObject = heading("People")
	if p.o.People != nil {
		bring := widget.NewButtonWithIcon("Bring in", theme.ContentAddIcon(), func() { p.home.visit(screenPeople) })
		people = container.NewBorder(nil, nil, nil, bring, middle(people))
	}
	mine := card(column(8,
		container.NewBorder(nil, nil, nil, add, middle(heading("You are sharing"))),
		c.none.Container, c.shares.box))
	c.shared = card(column(8, heading("Shared with you"), c.remote.box))
	left := column(14, c.asks.box, c.masked.box, mine, c.shared)
	right := column(14, c.invite.root, card(column(8, people, c.nobody.Container, c.people.box)))
	bar := container.NewStack(newPanel(colorSurface, "", 0), column(0, widget.NewSeparator(),
		inset(12, 20, container.NewBorder(nil, nil, nil, row(10, leave, c.stopAll)))))
	body := container.New(&sideBySide{side: 316, gap: 14}, left, right)
	c.root = container.NewBorder(nil, bar, nil, nil, container.NewVScroll(inset(16, 20, body)))
	c.reset()
	return c
}

// sideBySide gives the right object a fixed width.
type sideBySide struct{ side, gap float32 }

// Layout implements fyne.Layout.
func (l *sideBySide) Layout(o []fyne.CanvasObject, s fyne.Size) {
	w := max(s.Width-l.side-l.gap, 0)
	o[0].Resize(fyne.NewSize(w, max(o[0].MinSize().Height, 0)))
	o[0].Move(fyne.NewPos(0, 0))
	o[1].Resize(fyne.NewSize(l.side, o[1].MinSize().Height))
	o[1].Move(fyne.NewPos(w+l.gap, 0))
}

// MinSize implements fyne.Layout.
func (l *sideBySide) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(a.Width+l.gap+l.side, max(a.Height, b.Height))
}

// reset forgets the call.
func (c *callPane) reset() {
	c.update(session.State{})
	c.invite.reset()
}

// update shows a state.
func (c *callPane) update(st session.State) {
	c.asks.begin()
	for _, a := range st.Asks {
		c.asks.put(askKey{a.Member, a.Share}, func() (*requestCard, fyne.CanvasObject) {
			r := newRequestCard(c.p, a)
			return r, r.root
		}).update(a)
	}
	moved := c.asks.end()
	c.masked.begin()
	for _, m := range st.Masked {
		c.masked.put(maskedKey{m.Share, m.Surface}, func() (*maskedCard, fyne.CanvasObject) {
			x := newMaskedCard(c.p, m)
			return x, x.root
		}).update(m)
	}
	if c.masked.end() || moved {
		// A card that has moved may be under a click that was meant for another.
		for _, r := range c.asks.all() {
			r.arm()
		}
		for _, x := range c.masked.all() {
			x.arm()
		}
	}
	c.updateRows(st)

	visible(c.none, len(st.Shares) == 0)
	visible(c.nobody, len(st.Members) == 0)
	visible(c.shared, c.remote.len() > 0)
	visible(c.asks.box, c.asks.len() > 0)
	visible(c.masked.box, c.masked.len() > 0)
	if len(st.Shares) == 0 {
		c.stopAll.Disable()
	} else {
		c.stopAll.Enable()
	}
	if c.p.call != nil && len(st.Shares) > 0 {
		c.invite.want()
	}
	if c.root != nil {
		c.root.Refresh()
	}
}

// updateRows shows the windows of both sides and the people.
func (c *callPane) updateRows(st session.State) {
	c.shares.begin()
	for _, s := range st.Shares {
		c.shares.put(s.ID, func() (*shareRow, fyne.CanvasObject) {
			r := newShareRow(c.p, s)
			return r, r.root
		}).update(s)
	}
	c.shares.end()
	c.remote.begin()
	for _, r := range st.Remote {
		if r.Ended != 0 {
			continue
		}
		k := shareKey{r.Member, r.Share}
		c.remote.put(k, func() (*remoteRow, fyne.CanvasObject) {
			x := newRemoteRow(c.p, r)
			return x, x.root
		}).update(r, c.p.viewers[k] != nil)
	}
	c.remote.end()
	c.people.begin()
	for _, m := range st.Members {
		c.people.put(m.ID, func() (*personRow, fyne.CanvasObject) {
			r := newPersonRow(c.p, m)
			return r, r.root
		}).update(m, st.Shares)
	}
	c.people.end()
}

func visible(o fyne.CanvasObject, on bool) {
	if on == o.Visible() {
		return
	}
	if on {
		o.Show()
	} else {
		o.Hide()
	}
}

func (c *callPane) linkUsed() { c.invite.used() }

func (c *callPane) visible() map[platform.WindowID]bool {
	out := map[platform.WindowID]bool{}
	for _, r := range c.shares.all() {
		out[r.share.Window] = true
	}
	return out
}

func (c *callPane) picture(id platform.WindowID, img *image.RGBA) {
	for _, r := range c.shares.all() {
		if r.share.Window == id {
			r.thumb.set(img)
		}
	}
}

// rows is a list whose rows live as long as their key does, so that buttons
// keep their state while the list changes around them.
type rows[K comparable, R any] struct {
	box    *fyne.Container
	have   map[K]entry[R]
	next   map[K]entry[R]
	line   []K
	before []K
}

type entry[R any] struct {
	row    R
	object fyne.CanvasObject
}

func newRows[K comparable, R any](gap float32) *rows[K, R] {
	return &rows[K, R]{box: column(gap), have: map[K]entry[R]{}}
}

func (r *rows[K, R]) begin() { r.next, r.before, r.line = map[K]entry[R]{}, r.line, nil }

// put takes the row of a key over, or makes it.
func (r *rows[K, R]) put(k K, make func() (R, fyne.CanvasObject)) R {
	e, ok := r.have[k]
	if !ok {
		e.row, e.object = make()
	}
	r.next[k] = e
	r.line = append(r.line, k)
	return e.row
}

// end drops the rows that were not put. It reports whether any came, went or
// moved.
func (r *rows[K, R]) end() (moved bool) {
	r.have = r.next
	var objects []fyne.CanvasObject
	for _, k := range r.line {
		objects = append(objects, r.have[k].object)
	}
	if !same(r.box.Objects, objects) {
		r.box.Objects = objects
		r.box.Refresh()
	}
	return !slices.Equal(r.before, r.line)
}

func (r *rows[K, R]) len() int { return len(r.line) }

func (r *rows[K, R]) all() []R {
	var out []R
	for _, k := range r.line {
		out = append(out, r.have[k].row)
	}
	return out
}

// invitePane shows the link for the next person.
type invitePane struct {
	p      *program
	state  inviteState
	link   string
	field  *line
	box    *fyne.Container
	button *widget.Button
	words  *para
	root   *fyne.Container
	stamp  int
}

type inviteState uint8

const (
	inviteNone inviteState = iota
	inviteMaking
	inviteReady
	inviteFailed
)

func newInvitePane(p *program) *invitePane {
	v := &invitePane{p: p}
	v.field = newLine("")
	v.box = container.NewStack(newPanel(theme.ColorNameInputBackground, theme.ColorNameInputBorder, 7), inset(8, 10, v.field))
	v.button = widget.NewButtonWithIcon("", theme.ContentCopyIcon(), v.press)
	v.button.Importance = widget.HighImportance
	v.words = quiet("")
	v.root = card(column(10, heading("Invite"), v.words.Container, v.box, v.button))
	v.show("")
	return v
}

// show makes text and button fit the state.
func (v *invitePane) show(link string) {
	v.button.SetIcon(nil)
	v.button.Enable()
	visible(v.box, v.state == inviteReady)
	switch v.state {
	case inviteNone:
		v.words.set("Make a link that lets one more person in.")
		v.button.SetText("Make a link")
	case inviteMaking:
		v.words.set("Making a link…")
		v.button.SetText("Make a link")
		v.button.Disable()
	case inviteReady:
		v.words.set("This link lets one person in. Once it was used, a new one appears here.")
		v.link = link
		v.field.set(link)
		v.button.SetText("Copy link")
		v.button.SetIcon(theme.NewColoredResource(theme.ContentCopyIcon(), theme.ColorNameForegroundOnPrimary))
	case inviteFailed:
		v.button.SetText("Try again")
	}
}

func (v *invitePane) press() {
	if v.state != inviteReady {
		v.make()
		return
	}
	v.p.app.Clipboard().SetContent(v.link)
	v.button.SetText("Copied")
	v.button.SetIcon(theme.NewColoredResource(theme.ConfirmIcon(), theme.ColorNameForegroundOnPrimary))
	stamp := v.stamp
	v.p.after(copiedFor, func() {
		if v.stamp == stamp && v.state == inviteReady {
			v.show(v.link)
		}
	})
}

// want makes a link if there is none.
func (v *invitePane) want() {
	if v.state == inviteNone {
		v.make()
	}
}

// used replaces the link that let somebody in.
func (v *invitePane) used() {
	if v.state == inviteReady {
		v.make()
	}
}

func (v *invitePane) make() {
	c := v.p.call
	if c == nil || v.state == inviteMaking {
		return
	}
	v.state = inviteMaking
	v.stamp++
	stamp := v.stamp
	v.show("")
	v.p.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, inviteTimeout)
		defer cancel()
		l, err := c.Invite(ctx, session.InviteOptions{Uses: 1})
		v.p.do(func() {
			if v.p.call != c || v.stamp != stamp {
				return
			}
			if err != nil {
				v.state = inviteFailed
				v.words.set(sentence(err))
				v.show("")
				return
			}
			v.state = inviteReady
			v.show(l.String())
			// A link that has expired must not be handed out.
			v.p.after(session.DefaultInviteTTL, func() {
				if v.p.call == c && v.stamp == stamp {
					v.make()
				}
			})
		})
	})
}

func (v *invitePane) reset() {
	v.state = inviteNone
	v.stamp++
	v.link = ""
	v.field.set("")
	v.show("")
}
