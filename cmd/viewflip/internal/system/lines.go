package system

import (
	"context"
	"errors"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/platform"
	"viewflip.app/ui/glass"
)

// panicName is the name of the panic key's line.
const panicName = "panic key"

// part is one part of an operating system as "viewflip doctor" speaks of it.
type part struct {
	name string
	has  bool
	// works says what there is, lacks what people do without where it is missing.
	works, lacks string
}

// parts are those of the table, and those that only a viewer needs.
func (m makers) parts() []part {
	return []part{
		{"capture", m.capture != nil, "windows are captured from their own surfaces", "windows of this operating system cannot be shared yet; joining a call works"},
		{"pointer", m.cursor != nil, "viewers see the pointer of the person who shares", "viewers do not see the pointer of the person who shares"},
		{"control", m.seat != nil, "mouse and keyboard can be injected atomically", "nobody can be given control of a window: mouse and keyboard cannot be kept inside one here yet"},
		{"after a crash", m.guardian != nil, "a second process lets go of what guests hold when this one is killed", "no second process would let go of what guests hold if this one were killed"},
		{panicName, m.hotKeys != nil, "key combinations are heard everywhere", "no key combination takes everything back: use the buttons of the window"},
		{"clipboard", m.clipboard != nil, "guests can be allowed to paste and to copy", "guests can neither paste into a window nor copy from it"},
		{"marks", m.overlay != nil, "what others point at and draw shows over the shared window", "what others point at and draw does not show over the shared window"},
	}
}

// keysLine is about the keyboard of who views: the system's numbers of keys, and
// what they mean.
func keysLine() platform.Capability {
	c := platform.Capability{Name: "viewer's keys", OK: glass.NewNative().HasKeys(), Detail: "what is typed into a viewer goes to the shared window"}
	if !c.OK {
		c.Detail = "nothing that is typed into a viewer goes to the shared window; the mouse does"
	}
	return c
}

// Lines say what a call finds on this machine: first what the display server says
// of itself, or opened, the error of [platform.Open] if there is no desktop; then
// the parts of which it has not spoken.
func (s *System) Lines(ctx context.Context, opened error) []platform.Capability {
	var lines []platform.Capability
	spoken := map[string]bool{}
	if s.desk != nil {
		for _, c := range append(s.desk.Capabilities(), s.panicLine(ctx)) {
			lines = append(lines, c)
			spoken[c.Name] = true
		}
	} else if opened != nil {
		lines = append(lines, platform.Capability{Name: "display server", Detail: command.Plain(opened)})
	}
	// Where there is a display server that cannot be reached now, nothing is known of
	// the rest.
	if s.desk != nil || errors.Is(opened, platform.ErrUnsupported) {
		for _, p := range s.make.parts() {
			switch {
			case spoken[p.name]:
			case p.has:
				lines = append(lines, platform.Capability{Name: p.name, OK: true, Detail: p.works})
			default:
				lines = append(lines, platform.Capability{Name: p.name, Detail: p.lacks})
			}
		}
		lines = append(lines, keysLine())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_, away := s.Away(ctx)
	return append(lines, away)
}
