// Package bell tells any number of listeners what happens, each until its context
// ends, and waits for none of them.
package bell

import (
	"context"
	"sync"
)

// Bell tells that something changed, coalesced: a listener who was not there for
// several changes hears of one. The zero Bell is ready. Its methods may be called
// from any goroutine, under any lock: it takes no other.
type Bell struct{ of Of[struct{}] }

// Listen returns a channel that ticks until ctx ends; then it is closed.
func (b *Bell) Listen(ctx context.Context) <-chan struct{} { return b.of.Listen(ctx, 1) }

// Ring lets every channel tick.
func (b *Bell) Ring() { b.of.Tell(struct{}{}) }

// Of tells values. The zero Of is ready. Its methods may be called from any
// goroutine, under any lock: it takes no other.
type Of[T any] struct {
	mu   sync.Mutex
	ears map[chan T]bool
}

// Listen returns a channel that gets what is told from now on until ctx ends; then
// it is closed. It holds behind values that were not read yet.
func (o *Of[T]) Listen(ctx context.Context, behind int) <-chan T {
	ch := make(chan T, behind)
	o.mu.Lock()
	if o.ears == nil {
		o.ears = map[chan T]bool{}
	}
	o.ears[ch] = true
	o.mu.Unlock()
	context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.ears, ch)
		close(ch)
	})
	return ch
}

// Tell gives a value to every listener; one that is too far behind misses it.
func (o *Of[T]) Tell(v T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for ch := range o.ears {
		select {
		case ch <- v:
		default:
		}
	}
}
