package platform

import (
	"image"
	"slices"
	"sync"
)

// SurfaceKind says what a window that belongs to another one is.
type SurfaceKind uint8

// The kinds.
const (
	SurfaceMenu SurfaceKind = iota + 1
	SurfaceTooltip
	SurfaceDialog
)

// String names the kind.
func (k SurfaceKind) String() string {
	switch k {
	case SurfaceMenu:
		return "menu"
	case SurfaceTooltip:
		return "tooltip"
	case SurfaceDialog:
		return "dialog"
	}
	return "window"
}

const (
	// MaxMembers is how many windows of a group are followed at once.
	MaxMembers = 16
	// GroupMargin is how far from the main window, in pixels, a window still
	// belongs to it; what is farther away is no part of a share.
	GroupMargin = 400
)

// Member is a window that belongs to the main window of a group: a menu, a
// tooltip or a dialog.
type Member struct {
	ID   WindowID
	Kind SurfaceKind
	// Bounds is what the application means of the window, in pixels of the
	// whole desktop.
	Bounds image.Rectangle
	// Masked means that the window reaches beyond what the main window shows,
	// as a file chooser does: it is neither shown nor controlled until Allow.
	Masked bool
	// Serial is another one each time a window is mapped.
	Serial uint32
}

// GroupState is a snapshot of a group. It is immutable.
type GroupState struct {
	// Main is the main window's content in pixels of the whole desktop. It is
	// kept up to date only while there are members.
	Main image.Rectangle
	// Members are the visible members in stacking order, bottom first.
	Members []Member
}

// Member returns the member that is this window.
func (s GroupState) Member(id WindowID) (Member, bool) {
	i := slices.IndexFunc(s.Members, func(m Member) bool { return m.ID == id })
	if i < 0 {
		return Member{}, false
	}
	return s.Members[i], true
}

// Group follows the windows that belong to one main window. All handles of one
// main window share what is known, and what was allowed.
type Group struct {
	impl    group
	changes chan struct{}
	close   func()
}

// group is what each operating system implements.
type group interface {
	state() GroupState
	allow(id WindowID)
	listen(ch chan struct{})
	forget(ch chan struct{})
	close()
}

// groups are the groups in use, by their main window.
type groups struct {
	mu   sync.Mutex
	open map[WindowID]*shared
}

type shared struct {
	group
	users int
}

// Group begins to follow a window's menus, tooltips and dialogs. ErrGone when
// there is no such window.
func (d *Desktop) Group(main WindowID) (*Group, error) {
	d.groups.mu.Lock()
	defer d.groups.mu.Unlock()
	s := d.groups.open[main]
	if s == nil {
		impl, err := openGroup(d.display, main)
		if err != nil {
			return nil, err
		}
		if d.groups.open == nil {
			d.groups.open = map[WindowID]*shared{}
		}
		s = &shared{group: impl}
		d.groups.open[main] = s
	}
	s.users++
	g := &Group{impl: s, changes: make(chan struct{}, 1)}
	s.listen(g.changes)
	g.close = sync.OnceFunc(func() {
		s.forget(g.changes)
		d.groups.mu.Lock()
		defer d.groups.mu.Unlock()
		if s.users--; s.users == 0 {
			s.close()
			delete(d.groups.open, main)
		}
	})
	return g, nil
}

// State is the group now.
func (g *Group) State() GroupState { return g.impl.state() }

// Changes has a value after State changed; the newest wins.
func (g *Group) Changes() <-chan struct{} { return g.changes }

// Allow unmasks a member until it is unmapped.
func (g *Group) Allow(id WindowID) { g.impl.allow(id) }

// Close gives the handle up. The last one ends the connection to the system.
func (g *Group) Close() { g.close() }
