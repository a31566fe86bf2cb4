package ui

import (
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// Keys of the gestures that the buttons stand for. Terminals know them too, or
// do nothing; Ctrl+C would end what runs there.
const (
	leftCtrl, leftShift wire.Key = 0xe0, 0xe1
	insert              wire.Key = 0x49
)

// clipButton pastes into the shared window or copies out of it, or asks for the
// right to.
type clipButton struct {
	*hintButton
	v       *viewer
	right   wire.Rights
	does    string
	asks    string
	mod     wire.Key
	mods    wire.Mods
	hovered bool
}

func newPasteButton(v *viewer) *clipButton {
	c := &clipButton{v: v, right: wire.RightPaste, does: "Paste", asks: "Ask to paste", mod: leftShift, mods: wire.ModShift}
	c.hintButton = newHintButton(theme.ContentPasteIcon(), c.press, c.hover)
	return c
}

func newCopyButton(v *viewer) *clipButton {
	c := &clipButton{v: v, right: wire.RightCopy, does: "Copy", asks: "Ask to copy", mod: leftCtrl, mods: wire.ModCtrl}
	c.hintButton = newHintButton(theme.ContentCopyIcon(), c.press, c.hover)
	return c
}

// needs is what is missing for it.
func (c *clipButton) needs() wire.Rights {
	return (c.right | wire.RightControl) &^ c.v.info.Rights
}

// press does it, or asks for what is missing.
func (c *clipButton) press() {
	v := c.v
	need := c.needs()
	switch {
	case need == 0 && v.hand.control:
		v.hand.release() // no other key belongs to the gesture
		for _, in := range []wire.Input{
			{Kind: wire.KeyDown, Key: c.mod}, {Kind: wire.KeyDown, Key: insert}, {Kind: wire.KeyUp, Key: insert}, {Kind: wire.KeyUp, Key: c.mod},
		} {
			e := v.hand.event(in)
			if e.Mods = c.mods; in.Kind == wire.KeyUp && in.Key == c.mod {
				e.Mods = 0
			}
			v.send(e)
		}
	case need != 0 && !v.info.Asking:
		v.ask(need)
	}
}

func (c *clipButton) hover(on bool) {
	c.hovered = on
	c.v.tip.set("")
	if on {
		c.v.tip.set(c.words())
	}
}

// words say what a press would do.
func (c *clipButton) words() string {
	switch {
	case c.needs() == 0:
		return c.does
	case c.v.info.Asking:
		return "Not answered yet"
	default:
		return c.asks
	}
}

// render shows whether the right is there: without it the button is flat.
func (c *clipButton) render() {
	visible(c.hintButton, c.v.pictured && !c.v.look.over)
	i := widget.LowImportance
	if c.needs() == 0 {
		i = widget.MediumImportance
	}
	if c.Importance != i {
		c.Importance = i
		c.Refresh()
	}
	if c.hovered {
		c.hover(true)
	}
}

// ask asks for rights beside those that we have.
func (v *viewer) ask(r wire.Rights) {
	if r&wire.RightControl != 0 {
		r |= wire.RightsQuiet
	}
	v.p.act(func() error { return v.view.Ask(r) }, nil)
}

// refusedOf is what was asked for, was answered, and is not there.
func refusedOf(before, now session.RemoteShare) wire.Rights {
	if !before.Asking || now.Asking || now.Ended != 0 {
		return 0
	}
	return before.Asked &^ now.Rights
}

// askedWords say what we have asked for.
func askedWords(r wire.Rights) string {
	if r&(wire.RightPaste|wire.RightCopy) == 0 {
		return "Asked for control…"
	}
	return "Asked to " + verbs(r, "control", "paste", "copy") + "…"
}
