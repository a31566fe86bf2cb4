package system

import (
	"context"
	"errors"
	"fmt"

	"viewflip.app/cmd/viewflip/internal/command"
	"viewflip.app/platform"
)

// defaultPanic takes everything back from everybody, at once.
const defaultPanic = "Ctrl+Alt+Shift+Escape"

// Panic is the panic key, as it was asked for.
type Panic struct {
	keys  HotKeys
	combo platform.Combo
}

// Panic reads which combination takes everything back (VIEWFLIP_PANIC). The error
// is a sentence; platform.ErrUnsupported on a system that hears no keys.
func (s *System) Panic() (Panic, error) {
	text := s.getenv("VIEWFLIP_PANIC")
	if text == "" {
		text = defaultPanic
	}
	combo, err := platform.ParseCombo(text)
	if err != nil {
		return Panic{}, fmt.Errorf("VIEWFLIP_PANIC: %w", err)
	}
	if s.make.hotKeys == nil {
		return Panic{}, platform.ErrUnsupported
	}
	return Panic{keys: s.make.hotKeys(s.desk), combo: combo}, nil
}

// String is the combination, as VIEWFLIP_PANIC has it.
func (p Panic) String() string { return p.combo.String() }

// Pressed takes the combination, and ticks whenever it is pressed, until ctx ends;
// then the channel is closed. The error is a sentence.
func (p Panic) Pressed(ctx context.Context) (<-chan struct{}, error) {
	pressed, err := p.keys.Hotkey(ctx, p.combo)
	if errors.Is(err, platform.ErrTaken) {
		return nil, fmt.Errorf("the panic key %s belongs to another program as well and is heard only while somebody controls a window; VIEWFLIP_PANIC sets another", p.combo)
	}
	if err != nil {
		return nil, fmt.Errorf("there is no panic key: %w", err)
	}
	return pressed, nil
}

// Held ticks while the combination is down, also while a program has grabbed the
// keyboard, until ctx ends; then the channel is closed.
func (p Panic) Held(ctx context.Context) (<-chan struct{}, error) { return p.keys.Held(ctx, p.combo) }

// panicLine tries the panic key.
func (s *System) panicLine(ctx context.Context) platform.Capability {
	c := platform.Capability{Name: panicName}
	key, err := s.Panic()
	if err == nil {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		_, err = key.Pressed(ctx)
	}
	if err != nil {
		c.Detail = command.Plain(err)
		return c
	}
	c.OK, c.Detail = true, key.String()+" takes everything back from everybody at once"
	return c
}
