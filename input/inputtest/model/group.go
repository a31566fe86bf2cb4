package model

import (
	"viewflip.app/input/inputtest"
	"viewflip.app/platform"
)

// group is what belongs to a window.
type group struct {
	s    *Server
	main *Window
}

// Group implements [inputtest.System].
func (s *Server) Group(id platform.WindowID) (inputtest.Group, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.find(id)
	if w == nil {
		return nil, platform.ErrGone
	}
	return group{s, w}, nil
}

func (s *Server) find(id platform.WindowID) *Window {
	for _, w := range s.windows {
		if w.id == id.Native() {
			return w
		}
	}
	return nil
}

// State implements [inputtest.Group].
func (g group) State() platform.GroupState {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	return g.s.group(g.main)
}

// Allow implements [inputtest.Group].
func (g group) Allow(id platform.WindowID) {
	g.s.mu.Lock()
	defer g.s.mu.Unlock()
	if w := g.s.find(id); w != nil {
		w.allowed = true
	}
}

// Close implements [inputtest.Group].
func (group) Close() {}

// group is what belongs to a window now: what its program says so of, and its popups
// that came while it was in use and say nothing.
func (s *Server) group(main *Window) platform.GroupState {
	st := platform.GroupState{Main: main.bounds}
	for _, w := range s.windows {
		if w == main || !w.visible || w.program != main.program {
			continue
		}
		silent := w.owner == nil && w.silentOf != nil && (w.silentOf == main || w.silentOf.under(main))
		if !silent && !w.under(main) {
			continue
		}
		m := platform.Member{
			ID: w.ID(), Kind: w.o.Kind, Bounds: w.bounds, Masked: w.o.Chooser && !w.allowed, Serial: w.serial,
		}
		if m.Kind == 0 {
			m.Kind = platform.SurfaceMenu
		}
		st.Members = append(st.Members, m)
	}
	return st
}
