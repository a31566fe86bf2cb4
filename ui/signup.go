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
	busy    bool
	stamp   int // of the newest thing that was begun
	stop    context.CancelFunc
	finish  func(ctx context.Context, code string) error
	name    *widget.Entry
	email   *widget.Entry
	code    *widget.Entry
	kit     *widget.Entry
	digits  *line
	title   *line
	hint    *para
	verdict *para
	next    *widget.Button
	forward *fyne.Container // holds next
	back    *widget.Button
	show    map[signupStep]*fyne.Container
	have    *fyne.Container
	root    *fyne.Container
}

func newSignupCard(p *program) *signupCard {
	c := &signupCard{p: p, title: heading(""), hint: quiet("")}
	entry := func(holder string) *widget.Entry {
		e := widget.NewEntry()
		e.SetPlaceHolder(holder)
		e.OnSubmitted = func(string) { c.press() }
		e.OnChanged = func(string) { c.able() }
		return e
	}
	c.name, c.email = entry("Your name"), entry("E-mail address")
	c.name.SetText(p.o.Name())
	c.code, c.kit = entry("Eight digits"), entry("Code of the kit")
	c.digits = strong("").whole().centred()
	c.digits.size = theme.SizeNameHeadingText
	c.verdict = newPara("", theme.ColorNameError, theme.SizeNameText)
	c.next = widget.NewButton("Continue", c.press)
	c.next.Importance = widget.HighImportance
	c.forward = sized(112, 0, c.next)
	c.back = widget.NewButton("Back", func() { c.visit(stepBegin) })
	c.show = map[signupStep]*fyne.Container{
		stepBegin: column(8, c.name, c.email),
		stepMail:  column(8, c.code),
		stepAdd:   container.NewStack(newPanel(colorTint, "", 10), inset(18, 18, c.digits)),
		stepKit:   column(8, c.kit),
	}
	add := widget.NewButton("Add this device", c.addThis)
	kit := widget.NewButton("Use a recovery kit", func() { c.visit(stepKit) })
	c.have = column(10, widget.NewSeparator(), strong("I have an account already"), row(8, add, kit))
	c.root = card(inset(8, 8, column(14, c.title, c.hint.Container,
		c.show[stepBegin], c.show[stepMail], c.show[stepAdd], c.show[stepKit],
		c.verdict.Container,
		container.NewBorder(nil, nil, nil, row(8, sized(92, 0, c.back), c.forward)),
		c.have)))
	c.visit(stepBegin)
	return c
}

// reset forgets what was begun; it is done.
func (c *signupCard) reset() {
	if c.step != stepBegin {
		c.visit(stepBegin)
	}
}

// visit shows a step; what was begun before is given up.
func (c *signupCard) visit(s signupStep) {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	c.stamp++
	c.step, c.busy = s, false
	if s == stepBegin {
		c.finish = nil
		c.code.SetText("")
		c.kit.SetText("")
	}
	for k, o := range c.show {
		visible(o, k == s)
	}
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
}

func (c *signupCard) sentTo() string {
	if c.kit.Text != "" {
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
	for _, e := range map[signupStep][]*widget.Entry{stepBegin: {c.name, c.email}, stepMail: {c.code}, stepKit: {c.kit}}[c.step] {
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
	name, email, code, kit, finish := c.name.Text, c.email.Text, c.code.Text, c.kit.Text, c.finish
	switch c.step {
	case stepBegin:
		c.run(func(ctx context.Context) (err error) {
			finish, err = people.SignUp(ctx, email, name)
			return err
		}, func() { c.finish = finish; c.visit(stepMail) })
	case stepKit:
		c.run(func(ctx context.Context) (err error) {
			finish, err = people.Recover(ctx, kit)
			return err
		}, func() { c.finish = finish; c.visit(stepMail) })
	case stepMail:
		c.run(func(ctx context.Context) error { return finish(ctx, code) }, func() {})
	case stepAdd:
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
	people := c.p.o.People
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
		code, wait, err := people.AddThis(ctx)
		if err == nil {
			then(func() {
				c.digits.set(code)
				c.tell("Waiting for the other device…", theme.ColorNamePlaceHolder)
			})
			err = wait(ctx)
		}
		if err != nil {
			then(func() {
				c.digits.set("—")
				c.tell(sentence(err), theme.ColorNameError)
			})
		}
	})
}
