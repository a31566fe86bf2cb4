package session

import (
	"context"
	"sync"
)

// bell tells any number of listeners that something changed, coalesced. The
// zero bell is ready; its lock is taken last of all.
type bell struct {
	mu   sync.Mutex
	ears map[chan struct{}]bool
}

// listen returns a channel that ticks until ctx ends; then it is closed.
func (b *bell) listen(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	if b.ears == nil {
		b.ears = map[chan struct{}]bool{}
	}
	b.ears[ch] = true
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.ears, ch)
		close(ch)
	})
	return ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.ears {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}
