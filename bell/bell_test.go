package bell_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"viewflip.app/bell"
)

// Every listener hears of a change once, however often it rang and however many
// others do not listen.
func TestBell(t *testing.T) {
	var b bell.Bell
	b.Ring() // nobody is there
	quick, deaf := b.Listen(t.Context()), b.Listen(t.Context())
	for range 3 {
		b.Ring()
		b.Ring()
		<-quick
		select {
		case <-quick:
			t.Error("one change was told twice")
		default:
		}
	}
	<-deaf
	select {
	case <-deaf:
		t.Error("changes were kept")
	default:
	}
}

// What is told arrives in its order; who is too far behind misses the rest.
func TestOf(t *testing.T) {
	var o bell.Of[int]
	near, far := o.Listen(t.Context(), 3), o.Listen(t.Context(), 1)
	for i := range 3 {
		o.Tell(i)
	}
	if got := []int{<-near, <-near, <-near}; !slices.Equal(got, []int{0, 1, 2}) {
		t.Error(got)
	}
	if got := <-far; got != 0 {
		t.Error(got)
	}
	o.Tell(3)
	if got := <-far; got != 3 {
		t.Error("who was behind hears", got)
	}
}

// A channel is closed when its context ends, and others go on.
func TestListenerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bell.Bell
		ctx, cancel := context.WithCancel(t.Context())
		goes, stays := b.Listen(ctx), b.Listen(t.Context())
		cancel()
		synctest.Wait()
		if _, ok := <-goes; ok {
			t.Error("it ticked")
		}
		b.Ring()
		if _, ok := <-stays; !ok {
			t.Error("the other was closed")
		}
	})
}
