package model

import (
	"image"
	"slices"
	"time"

	"viewflip.app/platform/platformtest/world"
	"viewflip.app/wire"
)

// hostPause is how long the host's hand goes first after it did something.
const hostPause = 300 * time.Millisecond

// host is the hardware.
type host struct{ s *Server }

// Host implements [world.World].
func (s *Server) Host() world.Host { return host{s} }

// act does something as the host.
func (h host) act(e world.Event) {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	h.s.acted = time.Now()
	h.s.queue = append(h.s.queue, event{Event: e})
	h.s.deliver()
	h.s.changed() // whoever holds something makes way
}

// Move implements [world.Host].
func (h host) Move(p image.Point) { h.act(world.Event{Kind: world.Move, At: p}) }

// Button implements [world.Host].
func (h host) Button(b wire.Button, down bool) {
	h.act(world.Event{Kind: map[bool]world.Kind{true: world.Press, false: world.Release}[down], Button: b})
}

// Key implements [world.Host].
func (h host) Key(k wire.Key, down bool) {
	h.act(world.Event{Kind: map[bool]world.Kind{true: world.KeyDown, false: world.KeyUp}[down], Key: k})
}

// Tap implements [world.Host].
func (h host) Tap(keys ...wire.Key) {
	for _, k := range keys {
		h.Key(k, true)
	}
	for _, k := range slices.Backward(keys) {
		h.Key(k, false)
	}
}

// At implements [world.Host].
func (h host) At() image.Point {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return h.s.pointer
}

// State implements [world.Host].
func (h host) State() world.State {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	return world.State{Mods: h.s.mods(nil), Held: h.s.held(), Caps: h.s.caps, Num: h.s.num}
}
