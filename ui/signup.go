package ui

import (
	"context"
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// signupStep is what the card of somebody without an account shows.
type signupStep uint8

const (
	stepBegin signupStep = iota // name and address
	stepMail                    // the digits of the mail
	stepAdd                     // the code for another device
	stepKit                     // the code of a recovery kit
)

// signupCard makes an account, or finds the one that there is.
type signupCard struct {
	p       *program
	step    signupStep
	from    signupStep // where the mail was asked for
	busy    bool
	stamp   int // of the newest thing that was begun
	stop    context.CancelFunc
	finish  func(ctx context.Context, code string) error
	name    *widget.Entry
	email   *widget.Entry
	service *widget.Entry
	code    *widget.Entry
	kit     *widget.Entry
	digits  *line
	title   *line
	lost    *para // why this device has no account any more
	aside   *fyne.Container
	again   *widget.Button
	hint    *para
	verdict *para
	next    *widget.Button
	forward *fyne.Container // holds next
	back    *widget.Button
	away    *widget.Button // to the call
	show    map[signupStep]*fyne.Container
	form    *fyne.Container // what begins with service
	have    *fyne.Container
	root    *fyne.Container
}

func newSignupCard(p *program) *signupCard {
	c := &signupCard{p: p, title: heading(""), hint: quiet(""), lost: newPara("", theme.ColorNameWarning, theme.SizeNameText)}
	entry := func(holder string) *widget.Entry {
		e := widget.NewEntry()
		e.SetPlaceHolder(holder)
		e.OnSubmitted = func(string) { c.press() }
		e.OnChanged = func(string) { c.able() }
		return e
	}
	c.name, c.email = entry("Your name"), entry("E-mail address")
	c.name.SetText(p.o.Name())
	c.service = entry("Service, or an invitation link")
	c.code, c.kit = entry("Eight digits"), entry("Code of the kit")
	c.digits = strong("").whole().centred()
	c.digits.size = theme.SizeNameHeadingText
	c.verdict = newPara("", theme.ColorNameError, theme.SizeNameText)
	c.next = widget.NewButton("Continue", c.press)
	c.next.Importance = widget.HighImportance
	c.forward = sized(112, 0, c.next)
	c.back = widget.NewButton("Back", func() { c.visit(c.before()) })
	at := column(6, c.service, newPara("Where your team's accounts are: paste the line that your administrator gave you, or an invitation that a colleague sent you.",
		theme.ColorNamePlaceHolder, theme.SizeNameCaptionText).Container)
	c.again = widget.NewButton("Ask the service again", func() {
		if !c.busy {
			c.run(p.o.People.Again, func() {})
		}
	})
	forget := widget.NewButton("Erase its key", func() {
		p.sure("Erase the key of the account?", "If the service is wrong about it, the account cannot come back on this device.", "Erase", p.o.People.Forget)
	})
	c.aside = column(14, row(8, c.again, forget), widget.NewSeparator())
	c.away = widget.NewButton("Back to the call", func() { p.home.visit(screenCall) })
	c.show = map[signupStep]*fyne.Container{
		stepBegin: column(8, c.name, c.email),
		stepMail:  column(8, c.code),
		stepAdd:   container.NewStack(newPanel(colorTint, "", 10), inset(18, 18, c.digits)),
		stepKit:   column(8, c.kit),
	}
	c.form = column(8, c.show[stepBegin], c.show[stepKit], at)
	add := widget.NewButton("Add this device", c.addThis)
	kit := widget.NewButton("Use a recovery kit", func() { c.visit(stepKit) })
	c.have = column(10, widget.NewSeparator(), strong("I have an account already"), row(8, add, kit))
	c.root = card(inset(8, 8, column(14, c.lost.Container, c.aside, container.NewBorder(nil, nil, nil, c.away, middle(c.title)), c.hint.Container,
		c.show[stepMail], c.show[stepAdd], c.form,
		c.verdict.Container,
		container.NewBorder(nil, nil, nil, row(8, sized(92, 0, c.back), c.forward)),
		c.have)))
	c.update(PeopleState{})
	c.visit(stepBegin)
	return c
}

// update shows why there is no account any more.
func (c *signupCard) update(st PeopleState) {
	switch {
	case st.Trouble != nil:
		c.lost.set(sentence(st.Trouble))
	case st.Aside:
		c.lost.set("The service does not know the account of this device any more.")
	}
	visible(c.lost, st.Trouble != nil || st.Aside)
	visible(c.aside, st.Aside)
}

// propose fills in the service, unless the person did.
func (c *signupCard) propose() {
	var known string
	c.p.reach(func(ctx context.Context) error {
		known = c.p.o.People.Service(ctx)
		return nil
	}, func(error) {
		if c.service.Text == "" {
			c.service.SetText(known)
		}
	})
}

// reset forgets what was typed: there is an account. Who was invited to it is
// one click away from whoever invited them.
func (c *signupCard) reset() {
	if s := strings.TrimSpace(c.service.Text); strings.HasPrefix(s, "viewflip://") {
		c.p.home.people.add.offer(s)
	}
	for _, e := range []*widget.Entry{c.email, c.service, c.code, c.kit} {
		e.SetText("")
	}
	c.name.SetText(c.p.o.Name())
	c.visit(stepBegin)
}

// before is the step that Back leads to.
func (c *signupCard) before() signupStep {
	if c.step == stepMail {
		return c.from
	}
	return stepBegin
}

// visit shows a step; what was begun before is given up.
func (c *signupCard) visit(s signupStep) {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	c.stamp++
	c.step, c.busy = s, false
	if s == stepMail {
		c.code.SetText("")
	}
	for k, o := range c.show {
		visible(o, k == s)
	}
	visible(c.form, s == stepBegin || s == stepKit)
	visible(c.have, s == stepBegin)
	visible(c.back, s != stepBegin)
	visible(c.forward, s != stepAdd)
	c.next.SetText("Continue")
	switch s {
	case stepBegin:
		c.title.set("Let colleagues call you")
		c.hint.set("With an account, people in your list call you with one click. Calls by link go on to work without one.")
	case stepMail:
		c.title.set("Look into your mail")
		c.hint.set("A mail with eight digits is on its way to " + c.sentTo() + ".")
		c.next.SetText("Finish")
	case stepAdd:
		c.title.set("Add this device")
		c.hint.set("On a device that has your account, open People, Account, “Add a device”, and type this code. It is good for two minutes.")
	case stepKit:
		c.title.set("Recover your account")
		c.hint.set("Type the code of your recovery kit. Capitals and hyphens do not matter.")
	}
	c.tell("", "")
	c.able()
	if e := map[signupStep]*widget.Entry{stepMail: c.code, stepKit: c.kit}[s]; e != nil && c.p.home.shown == screenPeople {
		c.p.home.win.Canvas().Focus(e)
	}
}

func (c *signupCard) sentTo() string {
	if c.from == stepKit {
		return "your account's address"
	}
	return strings.TrimSpace(c.email.Text)
}

func (c *signupCard) tell(text string, color fyne.ThemeColorName) {
	if color != "" {
		c.verdict.tint(color)
	}
	c.verdict.set(text)
	visible(c.verdict, text != "")
	c.root.Refresh()
}

// able lets the button work once there is something to do.
func (c *signupCard) able() {
	if c.root == nil {
		return
	}
	ok := !c.busy
	for _, e := range map[signupStep][]*widget.Entry{stepBegin: {c.name, c.email, c.service}, stepMail: {c.code}, stepKit: {c.kit, c.service}}[c.step] {
		ok = ok && strings.TrimSpace(e.Text) != ""
	}
	if ok {
		c.next.Enable()
	} else {
		c.next.Disable()
	}
}

// press does what the step is for.
func (c *signupCard) press() {
	if c.next.Disabled() {
		return
	}
	people := c.p.o.People
	service, name, email, code, kit, finish := c.service.Text, c.name.Text, c.email.Text, c.code.Text, c.kit.Text, c.finish
	switch c.step {
	case stepBegin:
		c.run(func(ctx context.Context) (err error) {
			finish, err = people.SignUp(ctx, service, email, name)
			return err
		}, func() {
			c.finish, c.from = finish, stepBegin
			c.visit(stepMail)
		})
	case stepKit:
		c.run(func(ctx context.Context) (err error) {
			finish, err = people.Recover(ctx, service, kit)
			return err
		}, func() {
			c.finish, c.from = finish, stepKit
			c.visit(stepMail)
		})
	case stepMail:
		first := c.from == stepBegin
		c.run(func(ctx context.Context) error {
			err := finish(ctx, code)
			if err == nil && first { // the name is that of calls by link, too, whatever the card shows by then
				c.p.do(func() { c.p.home.name.SetText(strings.TrimSpace(name)) })
			}
			return err
		}, func() {})
	case stepAdd:
		c.addThis()
	}
}

// run does f; ok follows if it worked and nothing else was begun.
func (c *signupCard) run(f func(ctx context.Context) error, ok func()) {
	c.busy = true
	c.stamp++
	stamp := c.stamp
	c.able()
	c.tell("One moment…", theme.ColorNamePlaceHolder)
	c.p.reach(f, func(err error) {
		if c.stamp != stamp {
			return
		}
		c.busy = false
		c.able()
		switch {
		case err == nil:
			c.tell("", "")
			ok()
		case errors.Is(err, ErrCode):
			c.tell("These are not the digits of the mail. Check them and try again.", theme.ColorNameError)
		default:
			c.tell(sentence(err), theme.ColorNameError)
		}
	})
}

// addThis shows a code and waits for the other device.
func (c *signupCard) addThis() {
	people, service := c.p.o.People, c.service.Text
	c.visit(stepAdd)
	c.digits.set("…")
	ctx, stop := context.WithCancel(c.p.ctx)
	c.stop = stop
	stamp := c.stamp
	then := func(f func()) {
		c.p.do(func() {
			if c.stamp == stamp {
				f()
			}
		})
	}
	c.p.spawn(func(context.Context) {
		defer stop()
		code, wait, err := people.AddThis(ctx, service)
		if err != nil {
			then(func() {
				c.visit(stepBegin)
				c.tell(sentence(err), theme.ColorNameError)
			})
			return
		}
		then(func() {
			c.digits.set(code)
			c.tell("Waiting for the other device…", theme.ColorNamePlaceHolder)
		})
		if err := wait(ctx); err != nil {
			then(func() {
				c.digits.set("—")
				c.next.SetText("New code")
				visible(c.forward, true)
				c.tell(sentence(err), theme.ColorNameError)
			})
		}
	})
}
