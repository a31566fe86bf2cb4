package session

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"viewflip.app/wire"
)

// silent is a mailbox that takes everything.
type silent struct{}

func (silent) Send(context.Context, wire.Address, []byte) error    { return nil }
func (silent) SendNow(context.Context, wire.Address, []byte) error { return nil }
func (silent) Recv(ctx context.Context) (wire.Deliver, error) {
	<-ctx.Done()
	return wire.Deliver{}, ctx.Err()
}
func (silent) OpenInvite(context.Context, wire.InviteID, time.Time) error { return nil }
func (silent) CloseInvite(context.Context, wire.InviteID) error           { return nil }
func (silent) Lookup(context.Context, wire.InviteID) (wire.Device, error) {
	return wire.Device{}, ErrUnknown
}

// unmade is a connection that is never made.
type unmade struct{ Peer }

func (unmade) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (unmade) Connected() <-chan struct{}    { return nil }
func (unmade) Send([]byte) error             { return ErrEnded }
func (unmade) Waiting() int                  { return 0 }

// Of many who knock at the same moment as many get in as the link allows,
// though the making of a connection takes its time.
func TestPlaceIsTakenFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		id, err := wire.NewIdentity(nil)
		if err != nil {
			t.Fatal(err)
		}
		c := New(Config{
			Identity: id, Name: "Anna", Mailbox: silent{},
			NewPeer: func(bool, Signaller) (Peer, error) { time.Sleep(time.Second); return unmade{}, nil },
		})
		go func() { _ = c.Run(t.Context()) }()
		l, err := c.Invite(t.Context(), InviteOptions{Uses: 2})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 6 {
			from, err := wire.NewIdentity(nil)
			if err != nil {
				t.Fatal(err)
			}
			k := wire.Knock{Invite: l.Invite, Device: from.Public(), Name: "Ben"}
			_, _ = rand.Read(k.Nonce[:])
			k = wire.SignKnock(k, l.Secret, id.Public())
			wg.Go(func() { _ = c.knocked(from.Public(), k) })
		}
		wg.Wait()
		if n := len(c.State().Members); n != 2 {
			t.Errorf("%d came by a link for two", n)
		}
		c.Leave()
		<-c.Done()
	})
}
