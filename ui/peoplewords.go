package ui

import (
	"context"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

func presenceWord(s Presence) string {
	switch s {
	case Online:
		return "Online"
	case Busy:
		return "Busy"
	case Invisible:
		return "Invisible"
	default:
		return "Offline"
	}
}

// contactWord is the standing of a contact in a few words.
func contactWord(c Contact) string {
	switch {
	case c.Changed:
		return "Identity changed"
	case c.Verified:
		return "Verified"
	default:
		return "Not verified yet"
	}
}

// initialOf is the letter that stands for a person.
func initialOf(name string) string {
	first, _ := utf8.DecodeRuneInString(nameOf(name))
	return string(unicode.ToUpper(first))
}

// newFace is a round mark with a person's initial. fill is its colour.
func newFace(fill fyne.ThemeColorName) (*line, *fyne.Container) {
	l := strong("").whole().centred()
	l.tint(theme.ColorNamePrimary)
	return l, sized(34, 34, container.NewStack(newPanel(fill, "", 17), container.NewCenter(l)))
}

// newMenuButton opens a menu below itself.
func newMenuButton(p *program, items func() []*fyne.MenuItem) *widget.Button {
	var b *widget.Button
	b = widget.NewButtonWithIcon("", theme.MoreVerticalIcon(), func() {
		at := fyne.CurrentApp().Driver().AbsolutePositionForObject(b)
		widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", items()...), p.home.win.Canvas(), at.Add(fyne.NewPos(0, b.Size().Height)))
	})
	b.Importance = widget.LowImportance
	return b
}

// askName asks for a name, gives it, and says what went wrong.
func (p *program) askName(title, now string, f func(ctx context.Context, name string) error) {
	name := widget.NewEntry()
	name.SetText(now)
	d := dialog.NewCustomConfirm(title, "Rename", "Cancel", sized(360, 0, name), func(yes bool) {
		if yes {
			p.reach(func(ctx context.Context) error { return f(ctx, name.Text) }, p.complain)
		}
	}, p.home.win)
	name.OnSubmitted = func(string) { d.Confirm() }
	d.Show()
	p.home.win.Canvas().Focus(name)
}

// complain says what went wrong, if something did.
func (p *program) complain(err error) {
	if err != nil {
		dialog.ShowInformation("It did not work", sentence(err), p.home.win)
	}
}

// sure asks before something that cannot be taken back, does it, and says what
// went wrong.
func (p *program) sure(title, text, verb string, f func(ctx context.Context) error) {
	d := dialog.NewConfirm(title, text, func(yes bool) {
		if yes {
			p.reach(f, p.complain)
		}
	}, p.home.win)
	d.SetConfirmText(verb)
	d.SetDismissText("Cancel")
	d.SetConfirmImportance(widget.DangerImportance)
	d.Show()
}
