package ui

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// ringCard asks whether to take the call of a contact. It never has the focus
// by itself, so that no key answers it.
type ringCard struct {
	inert
	r       Ring
	initial *line
	title   *para
	note    *para
	answer  *widget.Button
	decline *widget.Button
	root    *fyne.Container
}

func newRingCard(p *program, r Ring) *ringCard {
	c := &ringCard{}
	c.title = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	c.note = newPara("", theme.ColorNamePlaceHolder, theme.SizeNameCaptionText)
	c.answer = widget.NewButton("Answer", c.take)
	c.answer.Importance = widget.HighImportance
	c.decline = widget.NewButton("Decline", c.refuse)
	c.inert = inert{p: p, buttons: []*widget.Button{c.answer, c.decline}, alone: true}
	c.arm()
	var face *fyne.Container
	c.initial, face = newFace(colorSurface)
	c.root = container.NewStack(newPanel(colorTint, theme.ColorNamePrimary, 10), inset(14, 14,
		container.NewBorder(nil, nil, middle(face),
			middle(row(8, sized(84, 0, c.decline), sized(150, 0, c.answer))),
			inset(0, 12, middle(column(4, c.title.Container, c.note.Container))))))
	c.update(r)
	return c
}

func (c *ringCard) update(r Ring) {
	c.r = r
	c.initial.set(initialOf(r.From.Name))
	c.title.set(nameOf(r.From.Name) + " calls")
	word := "Answer"
	if c.p.call != nil {
		word = "Leave and answer"
	}
	if c.answer.Text != word {
		c.answer.SetText(word)
		c.arm() // it is another question now
	}
	if !c.answered {
		c.note.set(contactWord(r.From))
	}
}

// take joins the call.
func (c *ringCard) take() {
	if !c.ready() {
		return
	}
	c.decided(true)
	p, r := c.p, c.r
	p.giveUpRinging()
	p.o.People.Answered(r.Link.Invite) // the card goes
	name := nameOf(r.From.Name)
	p.answering = p.join(r.Link, func(err error) {
		p.answering = nil
		switch {
		case err == nil:
			p.home.calling.say("", false)
			p.home.visit(screenCall)
		case errors.Is(err, context.Canceled):
			p.home.calling.say("", false)
		default:
			p.home.calling.say(name+" could not be reached. "+sentence(err), true)
		}
	})
	p.home.calling.say("Connecting to "+name+"…", false)
}

// refuse declines at once: the card goes when the account knows.
func (c *ringCard) refuse() {
	if !c.ready() {
		return
	}
	c.decided(true)
	people, id := c.p.o.People, c.r.Link.Invite
	c.p.reach(func(ctx context.Context) error { return people.Decline(ctx, id) }, func(error) {})
}

// updateRings shows who calls.
func (h *home) updateRings(rings []Ring) {
	h.rings.begin()
	for _, r := range rings {
		h.rings.put(r.Link.Invite, func() (*ringCard, fyne.CanvasObject) {
			c := newRingCard(h.p, r)
			return c, c.root
		}).update(r)
	}
	if h.rings.end() {
		for _, c := range h.rings.all() {
			if !c.answered {
				c.arm()
			}
		}
		h.announce()
	}
}

// callingCard says who is called, and then how that went.
type callingCard struct {
	p     *program
	words *para
	end   *widget.Button
	root  *fyne.Container
}

func newCallingCard(p *program) *callingCard {
	c := &callingCard{p: p}
	c.words = newPara("", theme.ColorNameForeground, theme.SizeNameText).bold()
	c.end = widget.NewButton("Cancel", func() {
		switch {
		case p.ringing != nil:
			p.ringing()
		case p.answering != nil:
			p.answering()
		default:
			c.say("", false)
		}
	})
	c.root = card(container.NewBorder(nil, nil, nil, middle(sized(92, 0, c.end)), middle(c.words.Container)))
	c.root.Hide()
	return c
}

// say shows a sentence, with a button that takes it away; "" shows nothing.
func (c *callingCard) say(text string, bad bool) {
	color := theme.ColorNameForeground
	if bad {
		color = theme.ColorNameError
	}
	c.words.tint(color)
	c.words.set(text)
	word := "Close"
	if c.p.ringing != nil || c.p.answering != nil {
		word = "Cancel"
	}
	c.end.SetText(word)
	visible(c.root, text != "")
	c.p.home.announce()
}

// ring calls a contact: into the call, or into a new one that is shown once the
// contact is there.
func (p *program) ring(who Contact) {
	people := p.o.People
	if people == nil || p.ringing != nil || p.answering != nil {
		return
	}
	name := nameOf(who.Name)
	if !p.people.Online {
		p.home.calling.say(name+" cannot be called while the service cannot be reached.", true)
		return
	}
	p.ringing = p.withCall(nil, func(ctx context.Context, c Call) error { return people.Ring(ctx, c, who.ID) }, func(err error) {
		p.ringing = nil
		switch {
		case err == nil:
			p.home.calling.say("", false)
			if p.call != nil {
				p.home.visit(screenCall)
			}
		case errors.Is(err, context.Canceled):
			p.home.calling.say("", false)
		case errors.Is(err, ErrDeclined):
			p.home.calling.say(name+" cannot talk now.", false)
		case errors.Is(err, ErrNoAnswer):
			p.home.calling.say(name+" did not answer.", false)
		default:
			p.home.calling.say(sentence(err), true)
		}
		p.home.people.update(p.people)
	})
	p.home.calling.say("Ringing "+name+"…", false)
	p.home.people.update(p.people)
}

// giveUpRinging stops calling somebody.
func (p *program) giveUpRinging() {
	if p.ringing != nil {
		p.ringing()
	}
}
