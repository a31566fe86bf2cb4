package ui

import (
	"time"

	"fyne.io/fyne/v2/widget"
)

// inertFor is how long a question's buttons do nothing after it appeared: a
// click that was meant for what was there before must not grant anything.
const inertFor = 700 * time.Millisecond

// inert are the buttons of a question, dead in its first moment.
type inert struct {
	p       *program
	buttons []*widget.Button
	since   time.Time
	// answered is true from a decision until it failed.
	answered bool
	// alone is true for a question that is none about the call.
	alone bool
}

// arm makes the buttons do nothing for a moment.
func (i *inert) arm() {
	since := i.p.now()
	i.since = since
	// Enabled buttons that do nothing would be a riddle.
	i.able(false)
	i.p.after(inertFor, func() {
		if i.since.Equal(since) && !i.answered {
			i.able(true)
		}
	})
}

// ready reports whether an answer counts.
func (i *inert) ready() bool {
	return i.p.now().Sub(i.since) >= inertFor && (i.alone || i.p.call != nil)
}

// decided notes that there is a decision, or that it came to nothing.
func (i *inert) decided(yes bool) {
	i.answered = yes
	i.able(!yes)
}

func (i *inert) able(on bool) {
	for _, b := range i.buttons {
		if on {
			b.Enable()
		} else {
			b.Disable()
		}
	}
}
