package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
)

// lobby is the small window that stands in for viewer windows while there are
// none, when nothing but viewers is wanted.
type lobby struct {
	p     *program
	win   fyne.Window
	words *line
	hint  *para
}

func newLobby(p *program) *lobby { return &lobby{p: p} }

// lobbyWords are the headline and the explanation while no viewer is open.
func lobbyWords(joined bool, st session.State) (words, hint string) {
	if !joined {
		return "Connecting…", "The person who made the link must be there."
	}
	return callSentence(st), "Nothing is shared yet. Windows open here by themselves."
}

// update shows the window exactly while it is needed.
func (l *lobby) update(st session.State) {
	if !l.p.o.ViewerOnly || l.p.gone {
		return
	}
	if len(l.p.viewers) > 0 {
		if l.win != nil {
			l.win.Hide()
		}
		return
	}
	if l.win == nil {
		l.build()
	}
	words, hint := lobbyWords(l.p.call != nil, st)
	l.words.set(words)
	l.hint.set(hint)
	l.win.Show()
}

func (l *lobby) build() {
	l.win = l.p.app.NewWindow("viewflip")
	l.win.SetCloseIntercept(l.p.quit)
	l.words = heading("").centred()
	l.hint = quiet("").centred()
	leave := widget.NewButton("Leave", l.p.quit)
	whole := newGiven(l.p, l.win, true, nil, inset(18, 18, column(12, l.words, l.hint.Container, container.NewCenter(sized(112, 0, leave)))))
	l.win.SetContent(whole)
	l.win.Resize(fyne.NewSize(420, 150).Max(leastOf(whole)))
}
