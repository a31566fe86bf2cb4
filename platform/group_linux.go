package platform

import (
	"image"
	"slices"
	"strings"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"viewflip.app/platform/x11"
	"viewflip.app/platform/x11/xinput"
)

// A window belongs to the main window
//
//   - by what its client says: WM_TRANSIENT_FOR leads to the main window or to
//     a member; or to the root or the group's leader, if it is modal and of the
//     main window's client,
//   - else, for popups (override-redirect) of the main window's client alone:
//     if it was mapped while the main window or a member was active or had the
//     focus, and near it. Old toolkits say nothing about their menus.
//
// A process may have other windows with other menus: its id proves nothing.

const (
	// maxChain bounds walks along WM_TRANSIENT_FOR and up the window tree.
	maxChain = 16
	// A dialog of at least this size, in pixels, that can be resized and of
	// which nothing says what it is, is taken for a file chooser: Qt's and the
	// print dialog of GTK look like that. Questions and messages are smaller.
	chooserW, chooserH = 400, 300
)

// tracker follows the windows of one group on a connection of its own. Fields
// without a lock belong to the goroutine that reads its events.
type tracker struct {
	c    *x11.Conn
	main xproto.Window
	mask xproto.Window  // bits that tell the windows of one client apart
	xi   *xinput.Client // nil without XInput 2
	done chan struct{}

	// known are windows whose properties we are told of.
	known map[xproto.Window]bool
	// members and their serials. Those that are not popups may be hidden.
	members map[xproto.Window]uint32
	// frames are the children of the root that hold main and the members.
	frames map[xproto.Window]bool
	serial uint32
	feed   *x11.Feed

	mu        sync.Mutex
	now       GroupState
	listeners []chan struct{}
	allowed   map[xproto.Window]bool
}

func openGroup(display string, main WindowID) (group, error) {
	c, err := x11.Connect(display)
	if err != nil {
		return nil, err
	}
	t := &tracker{
		c: c, main: xproto.Window(main.Native()), mask: xproto.Window(xproto.Setup(c.Conn).ResourceIdMask),
		done: make(chan struct{}), known: map[xproto.Window]bool{}, members: map[xproto.Window]uint32{},
		allowed: map[xproto.Window]bool{},
	}
	if t.feed, err = x11.NewFeed(c); err != nil {
		c.Close()
		return nil, err
	}
	if t.xi, err = xinput.New(c.Conn); err != nil {
		t.xi = nil
	}
	events := []uint32{xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange | xproto.EventMaskFocusChange}
	if err := xproto.ChangeWindowAttributesChecked(c.Conn, t.main, xproto.CwEventMask, events).Check(); err != nil {
		c.Close()
		return nil, ErrGone
	}
	xproto.ChangeWindowAttributes(c.Conn, c.Root, xproto.CwEventMask,
		[]uint32{xproto.EventMaskSubstructureNotify | xproto.EventMaskPropertyChange})
	t.scan()
	t.publish()
	go t.run()
	return t, nil
}

// scan looks at the windows that are there already. Of popups that say nothing
// it cannot be told any more for which window they were opened.
func (t *tracker) scan() {
	for _, w := range t.c.Managed() {
		t.consider(w, false)
	}
	if r, err := xproto.QueryTree(t.c.Conn, t.c.Root).Reply(); err == nil {
		for _, w := range r.Children {
			if a, err := xproto.GetWindowAttributes(t.c.Conn, w).Reply(); err == nil && a.OverrideRedirect {
				t.consider(w, false)
			}
		}
	}
}

func (t *tracker) close() {
	t.c.Close()
	<-t.done
}

func (t *tracker) state() GroupState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

func (t *tracker) listen(ch chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners = append(t.listeners, ch)
}

func (t *tracker) forget(ch chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listeners = slices.DeleteFunc(t.listeners, func(o chan struct{}) bool { return o == ch })
}

// allow unmasks a member at once; the snapshot changes, and nothing is asked.
func (t *tracker) allow(id WindowID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.now.Members, func(m Member) bool { return m.ID == id })
	if i < 0 || !t.now.Members[i].Masked {
		return
	}
	t.allowed[xproto.Window(id.Native())] = true
	t.now.Members = slices.Clone(t.now.Members)
	t.now.Members[i].Masked = false
	t.tellLocked()
}

func (t *tracker) tellLocked() {
	for _, ch := range t.listeners {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// run follows the windows until the connection ends. A burst of events is
// looked at as a whole.
func (t *tracker) run() {
	defer close(t.done)
	stale := false
	for {
		ev := t.take(stale)
		if ev == nil && stale {
			stale = false
			t.publish()
			continue
		}
		if ev == nil {
			t.set(GroupState{})
			return
		}
		stale = t.handle(ev) || stale
		if t.feed.Lost() {
			t.again()
			stale = true
		}
	}
}

// again looks at everything anew, when nobody knows what has happened.
func (t *tracker) again() {
	for w := range t.members {
		if a, err := xproto.GetWindowAttributes(t.c.Conn, w).Reply(); err != nil || a.MapState == xproto.MapStateUnmapped {
			t.drop(w)
		}
	}
	t.scan()
}

// take returns the next event. If hurry it does not wait, and nil means that
// there is none; else nil means that the connection ended.
func (t *tracker) take(hurry bool) xgb.Event {
	if hurry {
		return t.feed.Poll()
	}
	return t.feed.Next()
}

// handle reports whether the snapshot may be out of date.
func (t *tracker) handle(ev xgb.Event) bool {
	switch e := ev.(type) {
	case xproto.MapNotifyEvent:
		switch {
		case e.OverrideRedirect || e.Event == t.c.Root && !t.listed():
			t.consider(e.Window, e.OverrideRedirect)
		case t.known[e.Window]: // shown again
			t.consider(e.Window, false)
		}
		return len(t.members) > 0
	case xproto.UnmapNotifyEvent:
		t.drop(e.Window)
		return true
	case xproto.DestroyNotifyEvent:
		t.drop(e.Window)
		delete(t.known, e.Window)
		return true
	case xproto.ConfigureNotifyEvent:
		return t.concerns(e.Window)
	case xproto.ReparentNotifyEvent:
		return t.concerns(e.Window)
	case xproto.PropertyNotifyEvent:
		return t.property(e)
	}
	return false
}

// concerns reports whether a window's place matters.
func (t *tracker) concerns(w xproto.Window) bool {
	_, member := t.members[w]
	return len(t.members) > 0 && (member || w == t.main || t.frames[w])
}

// listed reports whether a window manager lists its windows.
func (t *tracker) listed() bool { return len(t.c.Cardinals(t.c.Root, "_NET_SUPPORTING_WM_CHECK")) > 0 }

func (t *tracker) property(e xproto.PropertyNotifyEvent) bool {
	if e.Window == t.c.Root {
		switch e.Atom {
		case t.c.Atom("_NET_CLIENT_LIST"):
			for _, w := range t.c.Managed() {
				if !t.known[w] {
					t.consider(w, false)
				}
			}
		case t.c.Atom("_NET_CLIENT_LIST_STACKING"):
		default:
			return false
		}
		return len(t.members) > 0
	}
	switch e.Atom {
	case xproto.AtomWmTransientFor, xproto.AtomWmClass, xproto.AtomWmNormalHints, t.c.Atom("WM_WINDOW_ROLE"),
		t.c.Atom("_NET_WM_STATE"), t.c.Atom("_NET_WM_WINDOW_TYPE"), t.c.Atom("_GTK_FRAME_EXTENTS"):
	default:
		return false
	}
	was := len(t.members) > 0
	if _, member := t.members[e.Window]; member && e.Atom == xproto.AtomWmTransientFor && t.says(e.Window) == elsewhere {
		t.drop(e.Window)
	}
	t.consider(e.Window, false)
	return was || len(t.members) > 0
}

// drop ends a membership, and what was allowed once.
func (t *tracker) drop(w xproto.Window) {
	delete(t.members, w)
	t.mu.Lock()
	delete(t.allowed, w)
	t.mu.Unlock()
}

// consider decides whether a window belongs to the group. popup says that it
// is one and was mapped just now.
func (t *tracker) consider(w xproto.Window, popup bool) {
	if w == t.main {
		return
	}
	a, err := xproto.GetWindowAttributes(t.c.Conn, w).Reply()
	if err != nil || a.Class != xproto.WindowClassInputOutput || len(t.members) >= MaxMembers {
		return
	}
	if !t.known[w] && (!a.OverrideRedirect || t.same(w)) {
		t.known[w] = true
		xproto.ChangeWindowAttributes(t.c.Conn, w, xproto.CwEventMask,
			[]uint32{xproto.EventMaskStructureNotify | xproto.EventMaskPropertyChange | xproto.EventMaskFocusChange})
	}
	if _, member := t.members[w]; member || t.c.HasAtom(w, "_NET_WM_WINDOW_TYPE", "_NET_WM_WINDOW_TYPE_DND") {
		return
	}
	if a.OverrideRedirect && a.MapState != xproto.MapStateViewable {
		return
	}
	says := t.says(w)
	if says == here || says == nothing && popup && t.same(w) && t.near(w) && t.active() {
		t.serial++
		t.members[w] = t.serial
	}
}

// same reports whether a window is of the main window's client.
func (t *tracker) same(w xproto.Window) bool { return w&^t.mask == t.main&^t.mask }

// belonging is what a window's client says of it.
type belonging uint8

const (
	nothing   belonging = iota
	here                // it belongs to the group
	elsewhere           // it belongs to another window
)

// says follows WM_TRANSIENT_FOR (ICCCM 4.1.2.6; for a whole group: EWMH).
func (t *tracker) says(w xproto.Window) belonging {
	at := w
	for range maxChain {
		v := t.c.Cardinals(at, "WM_TRANSIENT_FOR")
		if len(v) == 0 {
			break
		}
		up := xproto.Window(v[0])
		if _, member := t.members[up]; member || up == t.main {
			return here
		}
		if up == 0 || up == t.c.Root || up == t.leader() {
			if at == w && t.same(w) && t.c.HasAtom(w, "_NET_WM_STATE", "_NET_WM_STATE_MODAL") {
				return here
			}
			break
		}
		at = up
	}
	if at == w {
		return nothing
	}
	return elsewhere
}

// leader is the main window's group leader (ICCCM 4.1.2.4); 0 without one.
func (t *tracker) leader() xproto.Window {
	const groupHint, flags, group = 1 << 6, 0, 8
	if v := t.c.Cardinals(t.main, "WM_HINTS"); len(v) > group && v[flags]&groupHint != 0 {
		return xproto.Window(v[group])
	}
	return 0
}

func (t *tracker) near(w xproto.Window) bool {
	m, err := t.c.Bounds(t.main)
	if err != nil {
		return false
	}
	b, err := t.c.Bounds(w)
	return err == nil && b.Overlaps(m.Inset(-GroupMargin))
}

// active reports whether the main window or a member is active or has a focus.
// What changes while we ask proves nothing: then the answer is no.
func (t *tracker) active() bool {
	in := false
	for _, w := range t.focuses() {
		in = in || t.inside(w)
	}
	for _, ev := range t.feed.Waiting() { // all that happened before the answers
		switch e := ev.(type) {
		case xproto.PropertyNotifyEvent:
			in = in && (e.Window != t.c.Root || e.Atom != t.c.Atom("_NET_ACTIVE_WINDOW"))
		case xproto.FocusInEvent:
			in = in && onlyGrab(e.Mode)
		case xproto.FocusOutEvent:
			in = in && onlyGrab(e.Mode)
		}
	}
	return in
}

// onlyGrab tells a grab of the keyboard from a change of the focus.
func onlyGrab(mode byte) bool {
	return mode == xproto.NotifyModeGrab || mode == xproto.NotifyModeUngrab
}

// focuses are the windows that somebody works in.
func (t *tracker) focuses() []xproto.Window {
	var out []xproto.Window
	for _, v := range t.c.Cardinals(t.c.Root, "_NET_ACTIVE_WINDOW") {
		out = append(out, xproto.Window(v))
	}
	if f, err := xproto.GetInputFocus(t.c.Conn).Reply(); err == nil {
		out = append(out, f.Focus)
	}
	if t.xi == nil {
		return out
	}
	devices, err := t.xi.Devices()
	if err != nil {
		return out
	}
	for _, d := range devices { // a guest has a keyboard, and a focus, of their own
		if d.Use != xinput.MasterKeyboard {
			continue
		}
		if f, err := t.xi.GetFocus(d.ID).Reply(); err == nil {
			out = append(out, f)
		}
	}
	return out
}

// inside reports whether w is the main window, a member, or inside one.
func (t *tracker) inside(w xproto.Window) bool {
	const pointerRoot = 1
	for range maxChain {
		if _, member := t.members[w]; member || w == t.main {
			return true
		}
		if w <= pointerRoot || w == t.c.Root {
			return false
		}
		r, err := xproto.QueryTree(t.c.Conn, w).Reply()
		if err != nil {
			return false
		}
		w = r.Parent
	}
	return false
}

// publish makes a new snapshot.
func (t *tracker) publish() {
	t.frames = map[xproto.Window]bool{}
	if len(t.members) == 0 {
		t.set(GroupState{})
		return
	}
	order := map[xproto.Window]int{}
	if r, err := xproto.QueryTree(t.c.Conn, t.c.Root).Reply(); err == nil {
		for i, w := range r.Children {
			order[w] = i
		}
	}
	main, _, ok := t.look(t.main)
	if !ok { // hidden: its menus and dialogs are not shown without it
		t.set(GroupState{})
		return
	}
	s := GroupState{Main: main}
	type placed struct {
		Member
		z int
	}
	var list []placed
	for w, serial := range t.members {
		b, top, ok := t.look(w)
		if !ok {
			continue
		}
		m := Member{ID: WindowID{uint32(w)}, Bounds: b, Serial: serial}
		m.Kind, m.Masked = t.kind(w, b.Size())
		list = append(list, placed{m, order[top]})
	}
	slices.SortFunc(list, func(a, b placed) int { return a.z - b.z })
	for _, p := range list {
		s.Members = append(s.Members, p.Member)
	}
	t.set(s)
}

// look returns the content of a window in root pixels and the child of the root
// that it is in; false when it cannot be seen.
func (t *tracker) look(w xproto.Window) (image.Rectangle, xproto.Window, bool) {
	a, err := xproto.GetWindowAttributes(t.c.Conn, w).Reply()
	if err != nil || a.MapState != xproto.MapStateViewable {
		return image.Rectangle{}, 0, false
	}
	b, err := t.c.Bounds(w)
	if err != nil {
		return image.Rectangle{}, 0, false
	}
	top := w
	for range maxChain {
		r, err := xproto.QueryTree(t.c.Conn, top).Reply()
		if err != nil {
			return image.Rectangle{}, 0, false
		}
		if r.Parent == r.Root {
			break
		}
		top = r.Parent
	}
	t.frames[top] = true
	return t.c.Content(w, b.Dx(), b.Dy()).Add(b.Min), top, true
}

// kind says what a member is, and whether it reaches beyond the main window.
func (t *tracker) kind(w xproto.Window, size image.Point) (SurfaceKind, bool) {
	kind := SurfaceDialog
	if a, err := xproto.GetWindowAttributes(t.c.Conn, w).Reply(); err == nil && a.OverrideRedirect {
		kind = SurfaceMenu
	}
	says := t.text(w, "WM_WINDOW_ROLE") + " " + t.text(w, "WM_CLASS")
	for _, v := range t.c.Cardinals(w, "_NET_WM_WINDOW_TYPE") {
		r, err := xproto.GetAtomName(t.c.Conn, xproto.Atom(v)).Reply()
		if err != nil {
			continue
		}
		switch strings.TrimPrefix(r.Name, "_NET_WM_WINDOW_TYPE_") {
		case "TOOLTIP":
			kind = SurfaceTooltip
		case "MENU", "POPUP_MENU", "DROPDOWN_MENU", "COMBO":
			kind = SurfaceMenu
		}
		says += " " + strings.ToLower(r.Name)
	}
	masked := !t.same(w) // as the dialogs of a desktop portal
	for _, s := range []string{"filechooser", "filedialog", "fileselect", "print"} {
		masked = masked || strings.Contains(strings.NewReplacer("-", "", "_", "").Replace(says), s)
	}
	if kind == SurfaceDialog && size.X >= chooserW && size.Y >= chooserH && t.text(w, "WM_WINDOW_ROLE") == "" {
		masked = masked || !t.fixed(w)
	}
	if masked {
		kind = SurfaceDialog
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return kind, masked && !t.allowed[w]
}

func (t *tracker) text(w xproto.Window, name string) string {
	return strings.ToLower(string(t.c.Property(w, name)))
}

// fixed reports whether a window's size cannot be changed (ICCCM 4.1.2.3).
func (t *tracker) fixed(w xproto.Window) bool {
	const minSize, maxSize, minW, minH, maxW, maxH = 1 << 4, 1 << 5, 5, 6, 7, 8
	v := t.c.Cardinals(w, "WM_NORMAL_HINTS")
	return len(v) > maxH && v[0]&minSize != 0 && v[0]&maxSize != 0 && v[minW] == v[maxW] && v[minH] == v[maxH]
}

// set publishes a snapshot.
func (t *tracker) set(s GroupState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range s.Members { // allowed while the snapshot was made
		s.Members[i].Masked = s.Members[i].Masked && !t.allowed[xproto.Window(s.Members[i].ID.id)]
	}
	if s.Main == t.now.Main && slices.Equal(s.Members, t.now.Members) {
		return
	}
	t.now = s
	t.tellLocked()
}
