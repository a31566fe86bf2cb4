//go:build cgo && linux

package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"viewflip.app/session"
)

// The card about a masked dialog is inert in its first moment, and again when
// another card pushes it aside; no key answers it.
func TestMaskedCard(t *testing.T) {
	p, sh, c, now := quietProgram(t)
	pane := newCallPane(p)
	m := session.MaskedDialog{Share: 1, Surface: 4, Title: "notes", Viewers: []string{"Ben", ""}}
	pane.update(session.State{Masked: []session.MaskedDialog{m}})
	if pane.masked.len() != 1 || !pane.masked.box.Visible() {
		t.Fatal("no card")
	}
	card := pane.masked.all()[0]
	if s := card.title.text.String(); !strings.Contains(s, "“notes”") || !strings.Contains(s, "Ben, Someone") {
		t.Error(s)
	}
	w := test.NewTempWindow(t, container.NewStack(card.root))
	card.show.OnTapped()
	*now = now.Add(inertFor)
	sh.until(t, func() bool { return !card.show.Disabled() })
	pane.update(session.State{Masked: []session.MaskedDialog{m}, Asks: asks("Cem")})
	card.show.OnTapped()
	if !card.show.Disabled() {
		t.Error("not inert after it was pushed aside")
	}
	*now = now.Add(inertFor)
	sh.until(t, func() bool { return !card.show.Disabled() })
	for _, b := range []fyne.Focusable{card.show, card.keep} {
		w.Canvas().Focus(b)
		b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	}
	if n := c.notes(); len(n) != 0 {
		t.Fatal(n)
	}
	test.Tap(card.show)
	sh.until(t, func() bool { return slices.Equal(c.notes(), []string{"reveal"}) })
	pane.update(session.State{})
	if pane.masked.len() != 0 || pane.masked.box.Visible() {
		t.Error("the card stays")
	}
	m.Surface++
	pane.update(session.State{Masked: []session.MaskedDialog{m}})
	card = pane.masked.all()[0]
	*now = now.Add(time.Minute)
	sh.until(t, func() bool { return !card.keep.Disabled() })
	test.Tap(card.keep)
	sh.until(t, func() bool { return slices.Equal(c.notes(), []string{"reveal", "keep masked"}) })
}
