package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// viewerLook is everything that a viewer window says; a function of the
// share's state.
type viewerLook struct {
	title  string
	from   string
	rights string
	tone   fyne.ThemeColorName
	// button is what the first button does; "" hides it.
	button string
	press  viewerCommand
	// cover is the sentence over the dimmed picture; "" shows the picture.
	cover string
	// over is true when nothing more will come.
	over bool
}

type viewerCommand uint8

const (
	commandNone viewerCommand = iota
	commandAsk
	commandGiveBack
)

// lookOf decides what a viewer window shows. pictured tells whether there has
// been a picture.
func lookOf(r session.RemoteShare, pictured bool, now time.Time) viewerLook {
	name := nameOf(r.MemberName)
	l := viewerLook{
		title: titleOf(r.Title, r.App) + " — " + name,
		from:  "from " + name,
		tone:  theme.ColorNamePlaceHolder,
	}
	switch r.Ended {
	case 0:
	case wire.CloseStopped:
		l.cover = name + " stopped sharing"
	case wire.CloseWindow:
		l.cover = name + " closed this window"
	default:
		l.cover = "The connection to " + name + " was lost"
	}
	if r.Ended != 0 {
		l.rights, l.over = "Ended", true
		return l
	}
	for _, s := range r.Surfaces {
		if s.Masked {
			l.from = "from " + name + ", who has not shown this dialog"
		}
	}
	control := r.Rights&wire.RightControl != 0
	switch {
	case control:
		l.rights, l.tone = "In control", theme.ColorNameSuccess
		if left := leftWord(r.Ends[wire.RightControl], now); left != "" {
			l.rights += " · " + left
		}
		l.button, l.press = "Give back", commandGiveBack
		if r.Asking {
			l.rights = askedWords(r.Asked)
		}
	case r.Asking:
		l.rights, l.tone = askedWords(r.Asked), theme.ColorNameWarning
	default:
		l.rights = "Viewing"
		l.button, l.press = "Ask for control", commandAsk
	}
	switch {
	case r.Interrupted:
		l.cover = "Connection interrupted, trying again…"
	case r.Hidden:
		l.cover = "Minimised by " + name
	case r.TooLarge:
		l.cover = fmt.Sprintf("This window of %s is too large to be sent now (%d × %d pixels); it goes on when it is smaller", name, r.W, r.H)
	case r.Crowded:
		l.cover = "Too large to be shown beside the others that are open; close one of them"
	case pictured && r.Rights&wire.RightSee == 0:
		l.cover = name + " does not show you this window any more"
	case !pictured:
		l.cover = "Waiting for the picture…"
	}
	return l
}

// mayPoint reports whether others see where we point: the sharer shows it, and
// the real pointer is not ours.
func mayPoint(r session.RemoteShare) bool {
	return r.Ended == 0 && !r.Interrupted && !r.Hidden && !r.TooLarge && !r.Crowded && r.Rights&(wire.RightPoint|wire.RightControl) == wire.RightPoint
}

// mayControl reports whether input makes sense now.
func mayControl(r session.RemoteShare) bool {
	return r.Ended == 0 && !r.Interrupted && !r.Hidden && !r.TooLarge && !r.Crowded && r.Rights&wire.RightControl != 0
}
