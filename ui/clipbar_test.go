//go:build cgo && linux

package ui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"viewflip.app/session"
	"viewflip.app/wire"
)

// The buttons ask for what is missing, once, and say what became of it; with
// the right they send the gesture, behind the clipboard.
func TestClipButtons(t *testing.T) {
	p, sh, _, now := quietProgram(t)
	r := session.RemoteShare{MemberName: "Anna", W: 100, H: 80, Gen: 1, Rights: wire.RightsQuiet}
	view := newFakeView(r)
	v := newViewer(p, shareKey{}, view)
	t.Cleanup(v.close)
	asked := func() []wire.Rights {
		view.mu.Lock()
		defer view.mu.Unlock()
		return slices.Clone(view.asked)
	}
	set := func(f func(*session.RemoteShare)) { f(&r); view.setInfo(r); v.update(r) }
	if v.clips[0].Visible() {
		t.Error("a button before there is a picture")
	}
	v.shown(session.Update{W: 100, H: 80, Gen: 1})
	if !v.clips[0].Visible() || !v.clips[1].Visible() {
		t.Fatal("no buttons")
	}
	paste, copied := v.clips[0], v.clips[1]
	paste.MouseIn(nil)
	if v.tip.text != "Ask to paste" {
		t.Error(v.tip.text)
	}
	test.Tap(paste)
	want := []wire.Rights{wire.RightsQuiet | wire.RightControl | wire.RightPaste}
	sh.until(t, func() bool { return slices.Equal(asked(), want) })
	set(func(r *session.RemoteShare) { r.Asking, r.Asked = true, want[0] })
	if v.rights.text != "Asked to control and paste…" || v.tip.text != "Not answered yet" {
		t.Error(v.rights.text, v.tip.text)
	}
	test.Tap(copied) // one question at a time
	set(func(r *session.RemoteShare) { r.Asking = false })
	if !v.refusal.chip.Visible() || v.refusal.text != "Anna did not allow it" {
		t.Error(v.refusal.text)
	}
	*now = now.Add(time.Minute)
	v.refusal.chip.Hide()

	set(func(r *session.RemoteShare) { r.Rights |= wire.RightControl | wire.RightPaste })
	if paste.Importance == copied.Importance {
		t.Error("one looks like the other")
	}
	if v.tip.text != "Paste" || v.rights.text != "In control" {
		t.Error(v.tip.text, v.rights.text)
	}
	test.Tap(copied) // control is there
	sh.until(t, func() bool { return len(asked()) == 2 })
	if got := asked()[1]; got != wire.RightCopy {
		t.Error("asked for", got)
	}
	set(func(r *session.RemoteShare) { r.Asking, r.Asked = true, wire.RightCopy })
	if v.rights.text != "Asked to copy…" {
		t.Error(v.rights.text)
	}
	set(func(r *session.RemoteShare) { r.Asking, r.Rights = false, r.Rights|wire.RightCopy })
	if v.refusal.chip.Visible() {
		t.Error("granted, and said to be refused:", v.refusal.text)
	}

	view.clip <- struct{}{}
	test.Tap(paste)
	sh.until(t, func() bool { return len(view.inputs()) == 4 })
	if in := view.inputs(); !in[1].PastesPrimary() || in[1].Gen != 1 || !slices.Equal(view.pastes, []int{1}) || in[3].Kind != wire.KeyUp || in[3].Mods != 0 {
		t.Error(in, view.pastes)
	}
	test.Tap(copied)
	sh.until(t, func() bool { return len(view.inputs()) == 8 })
	if in := view.inputs()[5]; !in.Copies() {
		t.Error(in)
	}
	if n := len(asked()); n != 2 {
		t.Error(n, "questions")
	}
}

// The card names the clipboard in our own words.
func TestRequestNamesTheClipboard(t *testing.T) {
	p, _, _, _ := quietProgram(t)
	for want, rights := range map[string]wire.Rights{
		"asks to paste into “notes”":                          wire.RightPaste,
		"asks to control and copy out of “notes”":             wire.RightsQuiet | wire.RightControl | wire.RightCopy,
		"asks to control, paste into and copy out of “notes”": wire.RightControl | wire.RightPaste | wire.RightCopy,
	} {
		a := asks("Ben")[0]
		a.Rights = rights
		card := newRequestCard(p, a)
		if s := card.title.text.String(); !strings.Contains(s, want) {
			t.Errorf("%q, want %q", s, want)
		}
	}
}
