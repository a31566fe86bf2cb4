package ui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
)

// comparing shows the words that two people read to each other.
type comparing struct {
	inert
	member session.Member
	phrase session.Phrase
	words  *fyne.Container
	hint   *para
	match  *widget.Button
	differ *widget.Button
	dialog *dialog.CustomDialog
}

// compare opens the words of a member; they are made if there are none yet.
func (p *program) compare(m session.Member) {
	if p.call == nil || p.comparing != nil {
		return
	}
	c := &comparing{member: m, hint: quiet("")}
	p.comparing = c
	name := nameOf(m.Name)
	c.words = container.NewGridWithColumns(2)
	c.match = widget.NewButton("They match", c.matched)
	c.match.Importance = widget.HighImportance
	c.differ = widget.NewButton("They differ", c.differed)
	c.inert = inert{p: p, buttons: []*widget.Button{c.differ, c.match}}
	c.able(false)
	cancel := widget.NewButton("Cancel", func() { c.dialog.Hide() })
	c.hint.set("Read these words to each other, aloud or on the telephone: " + name + " must see the same four, in this order. Do not compare them by a message.")
	c.dialog = dialog.NewCustomWithoutButtons("Compare words with "+name, sized(520, 0, column(16,
		c.hint.Container, c.words,
		container.NewBorder(nil, nil, cancel, row(8, sized(120, 0, c.differ), sized(120, 0, c.match))))), p.home.win)
	c.dialog.SetOnClosed(func() { p.comparing = nil })
	c.show(session.Phrase{})
	c.dialog.Show()
	if m.Phrase == (session.Phrase{}) {
		call := p.call
		p.act(func() error { return call.Compare(m.ID) }, func(err error) {
			if err != nil {
				c.hint.set(sentence(err))
			}
		})
	}
	c.update(p.state)
}

// update follows the member's words.
func (c *comparing) update(st session.State) {
	for _, m := range st.Members {
		if m.ID == c.member.ID {
			c.member = m
			if m.Phrase != c.phrase {
				c.show(m.Phrase)
			}
			return
		}
	}
	c.dialog.Hide() // they have left
}

// show puts words up. A click that was meant for other words counts for nothing.
func (c *comparing) show(ph session.Phrase) {
	c.phrase = ph
	c.words.RemoveAll()
	for _, w := range ph {
		if w == "" {
			w = "…"
		}
		l := strong(w).whole().centred()
		l.size = theme.SizeNameHeadingText
		c.words.Add(container.NewStack(newPanel(colorTint, "", 8), inset(14, 14, l)))
	}
	if ph == (session.Phrase{}) {
		c.able(false)
		return
	}
	c.arm()
}

// matched notes that the contact is who they say.
func (c *comparing) matched() {
	if !c.ready() || c.phrase == (session.Phrase{}) {
		return
	}
	c.decided(true)
	people, who := c.p.o.People, c.member.Contact
	c.p.reach(func(ctx context.Context) error { return people.Verify(ctx, who) }, func(err error) {
		if err != nil {
			c.hint.tint(theme.ColorNameError)
			c.hint.set(sentence(err))
			c.decided(false)
			return
		}
		c.dialog.Hide()
	})
}

// differed warns, and offers to end it.
func (c *comparing) differed() {
	if !c.ready() || c.phrase == (session.Phrase{}) {
		return
	}
	p, m := c.p, c.member
	c.dialog.Hide()
	d := dialog.NewConfirm("Somebody may be between you", "The words are the same unless somebody interferes, or you read them wrong. "+
		"Remove "+nameOf(m.Name)+" from the call, and meet in person or exchange a new link.", func(yes bool) {
		if call := p.call; yes && call != nil {
			p.act(func() error { call.Remove(m.ID); return nil }, nil)
		}
	}, p.home.win)
	d.SetConfirmText("Remove from call")
	d.SetDismissText("Stay")
	d.SetConfirmImportance(widget.DangerImportance)
	d.Show()
}
