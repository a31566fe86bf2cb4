package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// reachTime bounds what is asked of the account's service.
const reachTime = 30 * time.Second

// reach asks something of the account's service off the main goroutine, and
// runs done with the error on it.
func (p *program) reach(f func(ctx context.Context) error, done func(error)) {
	p.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, reachTime)
		defer cancel()
		err := f(ctx)
		if err != nil {
			p.log.Info("account", "err", err)
		}
		p.do(func() { done(err) })
	})
}

// followPeople shows the account while the screens live.
func (p *program) followPeople() {
	if p.o.People == nil {
		return
	}
	p.spawn(func(ctx context.Context) {
		changed := p.o.People.Changed(ctx)
		for {
			st := p.o.People.State()
			p.do(func() { p.updatePeople(st) })
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
}

// updatePeople shows a new state of the account, and draws attention to rings
// that are new.
func (p *program) updatePeople(st PeopleState) {
	p.people = st
	now, fresh := map[wire.InviteID]bool{}, false
	for _, r := range st.Rings {
		now[r.Link.Invite] = true
		fresh = fresh || !p.rung[r.Link.Invite]
	}
	p.rung = now
	p.home.updateRings(st.Rings)
	if p.account != nil {
		p.account.update(st)
	}
	if !st.SignedUp {
		p.home.people.signup.propose()
	}
	if p.call != nil {
		p.home.update(p.state)
	} else {
		p.home.people.update(st)
		p.home.render()
	}
	if fresh {
		p.home.show()
		p.shell.attention(p.home.win)
	}
}

// contactOf is the list's newest entry of a member; ok is false for a stranger.
func (p *program) contactOf(m session.Member) (Contact, bool) {
	for _, c := range p.people.Contacts {
		if m.Contact != (session.Contact{}) && c.Account == m.Contact.Account {
			return c, true
		}
	}
	return Contact{Contact: m.Contact}, m.Contact != (session.Contact{})
}

// peoplePane is the tab "People".
type peoplePane struct {
	p      *program
	back   *widget.Button
	signup *signupCard
	asks   *rows[ContactID, *askingCard]
	list   *rows[ContactID, *contactRow]
	none   *para
	off    *para
	name   *line
	email  *line
	mine   *widget.Select
	add    *addCard
	known  *fyne.Container
	begin  *fyne.Container
	root   *fyne.Container
	filled bool
}

func newPeoplePane(p *program) *peoplePane {
	v := &peoplePane{p: p, name: strong(""), email: caption("")}
	v.asks = newRows[ContactID, *askingCard](10)
	v.list = newRows[ContactID, *contactRow](0)
	v.none = quiet("Nobody is here yet. Send somebody an invitation link: whoever opens it appears here, and can be called with one click.")
	v.off = newPara("", theme.ColorNameWarning, theme.SizeNameText)
	v.back = widget.NewButton("Back to the call", func() { p.home.visit(screenCall) })
	v.add = newAddCard(p)
	v.signup = newSignupCard(p)
	v.mine = widget.NewSelect([]string{presenceWord(Online), presenceWord(Busy), presenceWord(Invisible)}, func(s string) {
		for _, x := range []Presence{Online, Busy, Invisible} {
			if presenceWord(x) == s && x != p.people.Presence && v.filled {
				p.reach(func(ctx context.Context) error { return p.o.People.SetPresence(ctx, x) }, func(error) {})
			}
		}
	})
	more := widget.NewButtonWithIcon("Account", theme.SettingsIcon(), func() { newAccountDialog(p) })
	me := card(column(10,
		column(3, v.name, v.email),
		container.NewBorder(nil, nil, nil, row(0, sized(8, 0, newPanel("", "", 0)), more), v.mine)))
	left := column(14, v.asks.box, card(column(8,
		container.NewBorder(nil, nil, nil, v.back, middle(heading("People"))),
		v.off.Container, v.none.Container, v.list.box)))
	body := container.New(&sideBySide{side: 316, gap: 14}, left, column(14, me, v.add.root))
	v.known = container.NewStack(container.NewVScroll(inset(16, 20, body)))
	v.begin = container.New(upperLayout{}, narrow(520, v.signup.root))
	v.root = container.NewStack(v.known, v.begin)
	v.update(PeopleState{})
	return v
}

// update shows a state of the account.
func (v *peoplePane) update(st PeopleState) {
	if st.SignedUp && v.begin.Visible() {
		v.signup.reset()
	}
	visible(v.known, st.SignedUp)
	visible(v.begin, !st.SignedUp)
	if !st.SignedUp {
		v.signup.update(st)
		v.filled = false
		v.root.Refresh()
		return
	}
	v.name.set(nameOf(st.Name))
	v.email.set(st.Email)
	v.filled = false
	if w := presenceWord(max(st.Presence, Online)); v.mine.Selected != w {
		v.mine.SetSelected(w)
	}
	v.filled = true
	v.asks.begin()
	for _, a := range st.Asks {
		v.asks.put(a.ID, func() (*askingCard, fyne.CanvasObject) {
			c := newAskingCard(v.p, a)
			return c, c.root
		}).update(a)
	}
	if v.asks.end() {
		for _, c := range v.asks.all() {
			c.arm()
		}
	}
	v.list.begin()
	for _, c := range st.Contacts {
		v.list.put(c.ID, func() (*contactRow, fyne.CanvasObject) {
			r := newContactRow(v.p, c)
			return r, r.root
		}).update(c)
	}
	v.list.end()
	v.add.asked(st.Asked)
	off := ""
	switch {
	case st.Trouble != nil:
		off = sentence(st.Trouble)
	case !st.Online:
		off = "The service cannot be reached. Trying again…"
	}
	v.off.set(off)
	visible(v.off, off != "")
	visible(v.none, len(st.Contacts) == 0)
	visible(v.asks.box, len(st.Asks) > 0)
	v.root.Refresh()
}

// contactRow is one contact.
type contactRow struct {
	p       *program
	c       Contact
	initial *line
	name    *line
	state   *line
	mark    *panel
	call    *widget.Button
	more    func() []*fyne.MenuItem
	root    *fyne.Container
}

func newContactRow(p *program, c Contact) *contactRow {
	r := &contactRow{p: p, c: c, name: strong(""), state: caption("")}
	var face, mark *fyne.Container
	r.initial, face = newFace(colorTint)
	r.mark, mark = dot(theme.ColorNameDisabled)
	r.call = widget.NewButton("Call", func() { p.ring(r.c) })
	r.more = func() []*fyne.MenuItem {
		people := p.o.People
		name := nameOf(r.c.Name)
		return []*fyne.MenuItem{
			fyne.NewMenuItem("Rename", func() {
				id, now := r.c.ID, r.c.Name
				if r.c.Says != "" {
					now = r.c.Says
				}
				p.askName("Rename "+name, now, func(ctx context.Context, name string) error { return people.NameContact(ctx, id, name) })
			}),
			fyne.NewMenuItem("Remove", func() {
				p.sure("Remove "+name+"?", "You disappear from each other's lists.", "Remove", func(ctx context.Context) error {
					return people.RemoveContact(ctx, r.c.ID)
				})
			}),
			fyne.NewMenuItem("Block", func() {
				p.sure("Block "+name+"?", "You disappear from each other's lists, and "+name+" cannot ask again.", "Block", func(ctx context.Context) error {
					return people.BlockContact(ctx, r.c.ID)
				})
			}),
		}
	}
	status := container.New(&beside{gap: 6}, mark, r.state)
	r.root = inset(6, 0, container.NewBorder(nil, nil, middle(face),
		middle(row(6, sized(92, 0, r.call), newMenuButton(p, r.more))),
		inset(0, 10, middle(column(3, r.name, status)))))
	return r
}

func (r *contactRow) update(c Contact) {
	r.c = c
	r.name.set(nameOf(c.Name))
	r.initial.set(initialOf(c.Name))
	state := presenceWord(c.Presence) + " · " + contactWord(c)
	if c.Says != "" {
		state += " · now called “" + c.Says + "”"
	}
	r.state.set(state)
	r.state.tint(theme.ColorNamePlaceHolder)
	switch {
	case c.Changed:
		r.state.set("Identity changed: remove and exchange a new link")
		r.state.tint(theme.ColorNameError)
		r.mark.set(theme.ColorNameError, "", 0)
	case c.Presence == Online:
		r.mark.set(theme.ColorNameSuccess, "", 0)
	case c.Presence == Busy:
		r.mark.set(theme.ColorNameWarning, "", 0)
	default:
		r.mark.set(theme.ColorNameDisabled, "", 0)
	}
	word := "Call"
	if r.p.call != nil {
		word = "Bring in"
	}
	r.call.SetText(word)
	if c.Changed || r.p.ringing != nil || r.p.answering != nil || r.p.inCall(c) {
		r.call.Disable()
	} else {
		r.call.Enable()
	}
}

// inCall reports whether a contact is in the call already.
func (p *program) inCall(c Contact) bool {
	return slices.ContainsFunc(p.state.Members, func(m session.Member) bool {
		return m.Contact != (session.Contact{}) && m.Contact.Account == c.Account
	})
}

// askingCard asks whether somebody may become a contact.
type askingCard struct {
	inert
	a       Asking
	title   *para
	note    *para
	accept  *widget.Button
	decline *widget.Button
	block   *widget.Button
	root    *fyne.Container
}

func newAskingCard(p *program, a Asking) *askingCard {
	c := &askingCard{a: a}
	c.title = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	c.note = newPara("The name is a claim. Compare words in your first call.", theme.ColorNamePlaceHolder, theme.SizeNameCaptionText)
	c.accept = widget.NewButton("Accept", func() { c.answer(AskAccept) })
	c.accept.Importance = widget.HighImportance
	c.decline = widget.NewButton("Decline", func() { c.answer(AskDecline) })
	c.block = widget.NewButton("Block", func() { c.answer(AskBlock) })
	c.inert = inert{p: p, buttons: []*widget.Button{c.accept, c.decline, c.block}, alone: true}
	c.arm()
	c.root = container.NewStack(newPanel(colorTint, theme.ColorNamePrimary, 10), inset(14, 14,
		container.NewBorder(nil, nil, nil,
			middle(row(8, sized(76, 0, c.block), sized(84, 0, c.decline), sized(84, 0, c.accept))),
			inset(0, 4, middle(column(4, c.title.Container, c.note.Container))))))
	c.update(a)
	return c
}

func (c *askingCard) update(a Asking) {
	if a != c.a {
		c.arm()
	}
	c.a = a
	c.title.set(nameOf(a.Name) + " asks to be in your list")
}

// answer passes the decision on, but not in the first moment.
func (c *askingCard) answer(a AskAnswer) {
	if !c.ready() {
		return
	}
	people, id := c.p.o.People, c.a.ID
	c.decided(true)
	c.p.reach(func(ctx context.Context) error { return people.AnswerContact(ctx, id, a) }, func(err error) {
		if err != nil {
			c.note.tint(theme.ColorNameError)
			c.note.set(sentence(err))
			c.decided(false)
		}
	})
}

// addCard adds somebody to the list.
type addCard struct {
	p       *program
	copy    *widget.Button
	field   *widget.Entry
	add     *widget.Button
	verdict *para
	waiting *rows[string, *askedRow]
	busy    bool
	root    *fyne.Container
}

func newAddCard(p *program) *addCard {
	c := &addCard{p: p}
	c.copy = widget.NewButtonWithIcon("Copy an invitation link", theme.ContentCopyIcon(), c.invite)
	c.field = widget.NewEntry()
	c.field.SetPlaceHolder("Link or e-mail address")
	c.field.OnSubmitted = func(string) { c.press() }
	c.field.OnChanged = func(string) { c.able() }
	c.add = widget.NewButton("Add", c.press)
	c.add.Importance = widget.HighImportance
	c.verdict = newPara("", theme.ColorNamePlaceHolder, theme.SizeNameCaptionText)
	c.waiting = newRows[string, *askedRow](2)
	c.root = card(column(10, heading("Add somebody"),
		quiet("Send a link: it works once, for 14 days, and proves who you are to each other.").Container,
		c.copy,
		quiet("Or paste a link that you were given, or ask somebody whose address you know.").Container,
		container.NewBorder(nil, nil, nil, row(0, sized(8, 0, newPanel("", "", 0)), sized(64, 0, c.add)), c.field),
		c.verdict.Container, c.waiting.box))
	c.tell("", "")
	c.asked(nil)
	c.able()
	return c
}

func (c *addCard) able() {
	if c.busy || strings.TrimSpace(c.field.Text) == "" {
		c.add.Disable()
		return
	}
	c.add.Enable()
}

func (c *addCard) tell(text string, color fyne.ThemeColorName) {
	c.verdict.set(text)
	if color != "" {
		c.verdict.tint(color)
	}
	visible(c.verdict, text != "")
	c.root.Refresh()
}

// asked names who was asked and did not answer yet.
func (c *addCard) asked(emails []string) {
	c.waiting.begin()
	for _, e := range emails {
		c.waiting.put(e, func() (*askedRow, fyne.CanvasObject) {
			r := newAskedRow(c.p, e)
			return r, r.root
		})
	}
	c.waiting.end()
	visible(c.waiting.box, len(emails) > 0)
}

// askedRow is an address whose owner did not answer yet.
type askedRow struct {
	withdraw *widget.Button
	root     *fyne.Container
}

func newAskedRow(p *program, email string) *askedRow {
	r := &askedRow{}
	r.withdraw = widget.NewButton("Withdraw", func() {
		p.reach(func(ctx context.Context) error { return p.o.People.Withdraw(ctx, email) }, p.complain)
	})
	r.withdraw.Importance = widget.LowImportance
	r.root = container.NewBorder(nil, nil, nil, middle(r.withdraw), middle(column(2, newLine(email), caption("Asked, no answer yet"))))
	return r
}

// invite makes a link and copies it.
func (c *addCard) invite() {
	people := c.p.o.People
	c.copy.Disable()
	var link string
	c.p.reach(func(ctx context.Context) (err error) {
		link, err = people.InviteContact(ctx)
		return err
	}, func(err error) {
		c.copy.Enable()
		if err != nil {
			c.tell(sentence(err), theme.ColorNameError)
			return
		}
		c.p.app.Clipboard().SetContent(link)
		c.tell("The link is copied. Whoever opens it first is in your list, verified.", theme.ColorNameSuccess)
	})
}

// offer has a link ready to be taken.
func (c *addCard) offer(link string) {
	c.field.SetText(link)
	c.tell("Press Add to be in the list of who invited you.", theme.ColorNamePlaceHolder)
}

// press takes a link, or asks by e-mail.
func (c *addCard) press() {
	people, text := c.p.o.People, strings.TrimSpace(c.field.Text)
	if text == "" || c.busy {
		return
	}
	c.busy = true
	c.able()
	c.tell("One moment…", theme.ColorNamePlaceHolder)
	said := ""
	c.p.reach(func(ctx context.Context) error {
		if strings.Contains(text, "://") {
			name, err := people.AcceptContact(ctx, text)
			said = nameOf(name) + " is in your list now, verified."
			return err
		}
		said = "If there is somebody with this address, your question is waiting there."
		return people.AskContact(ctx, text)
	}, func(err error) {
		c.busy = false
		if err != nil {
			c.tell(sentence(err), theme.ColorNameError)
		} else {
			c.field.SetText("")
			c.tell(said, theme.ColorNameSuccess)
		}
		c.able()
	})
}
