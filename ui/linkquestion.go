package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// linkQuestion asks whether to join the call of a link that came from outside:
// any page on the web can hand one to the desktop, and whoever made it learns
// this person's name and addresses as soon as the call is joined. It never has
// the focus by itself, so that no key answers it.
type linkQuestion struct {
	inert
	pane *joinPane
	note *para
	join *widget.Button
	away *widget.Button
	root *fyne.Container
}

func newLinkQuestion(p *program, pane *joinPane) *linkQuestion {
	q := &linkQuestion{pane: pane}
	q.note = newPara("", theme.ColorNameForeground, theme.SizeNameText)
	q.join = widget.NewButton("Join", func() { q.answer(true) })
	q.join.Importance = widget.HighImportance
	q.away = widget.NewButton("Not now", func() { q.answer(false) })
	q.inert = inert{p: p, buttons: []*widget.Button{q.join, q.away}, alone: true}
	q.root = column(14,
		heading("Join a call of whoever made this link?"),
		q.note.Container,
		quiet("Say no if you did not expect it: a page on the web can open such a link by itself.").Container,
		container.NewBorder(nil, nil, nil, row(8, sized(112, 0, q.away), sized(112, 0, q.join))),
	)
	q.root.Hide()
	return q
}

// render says what the other side would learn.
func (q *linkQuestion) render() {
	q.note.set("They see the name “" + strings.TrimSpace(q.p.o.Name()) + "” and your network addresses, and the windows that they share open here. They see nothing of your screen.")
}

// ask shows the question about a link, or what is wrong with it.
func (j *joinPane) ask(link string) {
	j.link.SetText(strings.TrimSpace(link))
	if _, wrong := linkSentence(link); wrong != "" || j.cancel != nil {
		return // said already, or joining another
	}
	j.question.render()
	j.question.decided(false)
	j.question.arm()
	j.form.Hide()
	j.question.root.Show()
	j.root.Refresh()
}

// answer joins or forgets the link, but not in the first moment.
func (q *linkQuestion) answer(yes bool) {
	if !q.ready() || !q.root.Visible() {
		return
	}
	q.decided(true)
	q.root.Hide()
	q.pane.form.Show()
	if yes {
		q.pane.press()
	} else {
		q.pane.link.SetText("")
	}
	q.pane.root.Refresh()
}
